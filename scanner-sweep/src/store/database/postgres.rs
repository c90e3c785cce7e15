//! A store in a PostgreSQL database, which several machines may share.

use super::{Database, Row, StoreError, Value};
use postgres::{
    Client, Config, NoTls, Statement,
    config::{Host, SslMode},
    error::SqlState,
    types::{ToSql, Type},
};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use std::{
    collections::HashMap,
    error::Error,
    fmt,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio_postgres_rustls::MakeRustlsConnect;

/// How long to try one address of a server.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a server may be silent while it owes an answer's acknowledgement, or when idle: a
/// machine that is cut off must notice.
const SILENCE: Duration = Duration::from_secs(30);

/// How long the server waits within a transaction for a worker that is stopped or cut off, and keeps
/// what it has locked from the others.
const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(10);

/// Where a database is, and how to get in. Its password is not shown.
#[derive(Clone)]
pub struct Address {
    config: Config,
    shown: String,
    /// Certificates that the server's is checked against, instead of those of the web.
    roots: Option<PathBuf>,
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Address").field(&self.shown).finish()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl Address {
    /// Reads a connection URI as libpq writes it: `postgres://user@host:port/database?sslmode=...`.
    /// Of its parameters `sslmode` may be `disable`, `require` or `verify-full`; the latter two check
    /// the server's certificate. Without it, connections that leave the machine are encrypted.
    /// `sslrootcert` names a PEM file.
    ///
    /// # Errors
    /// What is wrong with it, without quoting it.
    pub fn parse(uri: &str, password: Option<&str>) -> Result<Self, String> {
        let (_, rest) = uri.split_once("://").unwrap_or_default();
        let marks = rest.rfind('@').zip(rest.find(['/', '?', '#']));
        if marks.is_some_and(|(at, other)| at > other) {
            // What reads it would take a piece of a password for something else, and name it.
            return Err(
                "before the last @ stands a /, ? or #: write them as %2F, %3F, %23".to_owned(),
            );
        }
        let (base, query) = uri.split_once('?').unwrap_or((uri, ""));
        let (mut mode, mut roots, mut rest) = (None, None, Vec::new());
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("sslmode", "disable")) => mode = Some(SslMode::Disable),
                Some(("sslmode", "require" | "verify-full")) => mode = Some(SslMode::Require),
                Some(("sslmode", _)) => {
                    return Err("sslmode is one of disable, require and verify-full".to_owned());
                }
                Some(("sslrootcert", path)) => roots = Some(PathBuf::from(path)),
                _ => rest.push(pair),
            }
        }
        let plain = format!("{base}?{}", rest.join("&"));
        let mut config: Config =
            plain
                .parse()
                .map_err(|error: postgres::Error| match error.source() {
                    Some(cause) => cause.to_string(),
                    None => "it is no connection URI".to_owned(),
                })?;
        if config.get_hosts().is_empty() {
            return Err("it names no host".to_owned());
        }
        if config.get_user().is_none() {
            return Err("it names no user".to_owned());
        }
        let leaves = config.get_hosts().iter().any(leaves_the_machine);
        config.ssl_mode(mode.unwrap_or(if leaves {
            SslMode::Require
        } else {
            SslMode::Disable
        }));
        if let Some(password) = password {
            config.password(password);
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(SILENCE);
        }
        config.keepalives_idle(SILENCE / 2);
        config.keepalives_interval(SILENCE / 6);
        config.keepalives_retries(3);
        if config.get_application_name().is_none() {
            config.application_name("gitsieve");
        }
        Ok(Self {
            shown: shown(&config),
            config,
            roots,
        })
    }
}

fn leaves_the_machine(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name != "localhost" && !name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
        }
        Host::Unix(_) => false,
    }
}

fn shown(config: &Config) -> String {
    let user = config.get_user().unwrap_or_default();
    let mut hosts: Vec<String> = Vec::new();
    for (n, host) in config.get_hosts().iter().enumerate() {
        let ports = config.get_ports();
        let port = ports.get(n).or(ports.first());
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        hosts.push(match host {
            Host::Tcp(name) => format!("{name}{port}"),
            Host::Unix(path) => format!("{}{port}", path.display()),
        });
    }
    let name = config.get_dbname().unwrap_or(user);
    format!("postgres://{user}@{}/{name}", hosts.join(","))
}

pub(in crate::store) struct Postgres {
    address: Address,
    client: Client,
    /// By their text.
    prepared: HashMap<String, Statement>,
}

impl Postgres {
    pub(in crate::store) fn connect(address: &Address) -> Result<Self, StoreError> {
        Ok(Self {
            client: client(address)?,
            address: address.clone(),
            prepared: HashMap::new(),
        })
    }

    fn prepared(&mut self, statement: &str) -> Result<Statement, StoreError> {
        if let Some(prepared) = self.prepared.get(statement) {
            return Ok(prepared.clone());
        }
        let prepared = self.client.prepare(statement).map_err(|e| error(&e))?;
        self.prepared.insert(statement.to_owned(), prepared.clone());
        Ok(prepared)
    }
}

fn client(address: &Address) -> Result<Client, StoreError> {
    let cannot = |cause: String| StoreError::Open {
        store: address.shown.clone(),
        cause,
    };
    let config = &address.config;
    let client = if config.get_ssl_mode() == SslMode::Disable {
        config.connect(NoTls)
    } else {
        let tls = tls(address.roots.as_deref()).map_err(cannot)?;
        config.connect(MakeRustlsConnect::new(tls))
    };
    let fails = |e: postgres::Error| {
        let text = told(&e);
        if is_lost(&e) {
            StoreError::Lost(format!("{}: {text}", address.shown))
        } else {
            cannot(text)
        }
    };
    let mut client = client.map_err(fails)?;
    let limit = IDLE_IN_TRANSACTION.as_millis();
    // After a crash of the server the last transactions may be missing, and those before are whole:
    // what is missing is scanned again.
    client
        .batch_execute(&format!(
            "SET idle_in_transaction_session_timeout = {limit}; SET synchronous_commit = off"
        ))
        .map_err(fails)?;
    Ok(client)
}

fn tls(roots: Option<&Path>) -> Result<ClientConfig, String> {
    let mut store = RootCertStore::empty();
    match roots {
        None => store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(path) => {
            let cannot = |cause: String| format!("cannot read {}: {cause}", path.display());
            let certificates =
                CertificateDer::pem_file_iter(path).map_err(|e| cannot(e.to_string()))?;
            for certificate in certificates {
                let certificate = certificate.map_err(|e| cannot(e.to_string()))?;
                store.add(certificate).map_err(|e| cannot(e.to_string()))?;
            }
            if store.is_empty() {
                return Err(cannot("it holds no certificate".to_owned()));
            }
        }
    }
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| e.to_string())?;
    Ok(builder.with_root_certificates(store).with_no_client_auth())
}

/// A value as the server expects it.
fn parameter<'a>(value: &'a Value, wanted: &Type) -> Box<dyn ToSql + Sync + 'a> {
    match value {
        Value::Int(n) if *wanted == Type::INT4 => {
            // Where a statement compares with a literal; such values are small.
            Box::new(i32::try_from(*n).unwrap_or(i32::MAX))
        }
        Value::Int(n) => Box::new(*n),
        Value::Text(text) => Box::new(text.as_str()),
        Value::Bytes(bytes) => Box::new(bytes.as_slice()),
        Value::Null if *wanted == Type::INT8 => Box::new(None::<i64>),
        Value::Null if *wanted == Type::INT4 => Box::new(None::<i32>),
        Value::Null if *wanted == Type::BYTEA => Box::new(None::<&[u8]>),
        Value::Null => Box::new(None::<&str>),
    }
}

fn parameters<'a>(statement: &Statement, values: &'a [Value]) -> Vec<Box<dyn ToSql + Sync + 'a>> {
    let pairs = values.iter().zip(statement.params());
    pairs.map(|(value, ty)| parameter(value, ty)).collect()
}

fn references<'a>(boxes: &'a [Box<dyn ToSql + Sync + 'a>]) -> Vec<&'a (dyn ToSql + Sync)> {
    boxes.iter().map(AsRef::as_ref).collect()
}

impl Database for Postgres {
    fn is_postgres(&self) -> bool {
        true
    }

    fn reconnect(&mut self) -> Result<(), StoreError> {
        self.prepared.clear();
        self.client = client(&self.address)?;
        Ok(())
    }

    fn batch(&mut self, statements: &str) -> Result<(), StoreError> {
        self.client.batch_execute(statements).map_err(|e| error(&e))
    }

    fn run(&mut self, statement: &str, values: &[Value]) -> Result<u64, StoreError> {
        let prepared = self.prepared(statement)?;
        let boxes = parameters(&prepared, values);
        self.client
            .execute(&prepared, &references(&boxes))
            .map_err(|e| error(&e))
    }

    fn rows(&mut self, statement: &str, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        let prepared = self.prepared(statement)?;
        let boxes = parameters(&prepared, values);
        let rows = self
            .client
            .query(&prepared, &references(&boxes))
            .map_err(|e| error(&e))?;
        rows.iter().map(row).collect()
    }
}

fn row(row: &postgres::Row) -> Result<Row, StoreError> {
    let value = |(n, column): (usize, &postgres::Column)| {
        let ty = column.type_();
        let some = if *ty == Type::INT8 {
            row.try_get::<_, Option<i64>>(n)?.map(Value::Int)
        } else if *ty == Type::INT4 {
            let value = row.try_get::<_, Option<i32>>(n)?;
            value.map(|v| Value::Int(i64::from(v)))
        } else if *ty == Type::BOOL {
            row.try_get::<_, Option<bool>>(n)?.map(Value::from)
        } else if *ty == Type::BYTEA {
            row.try_get::<_, Option<Vec<u8>>>(n)?.map(Value::Bytes)
        } else {
            row.try_get::<_, Option<String>>(n)?.map(Value::Text)
        };
        Ok(some.unwrap_or(Value::Null))
    };
    let values: Result<Vec<Value>, postgres::Error> =
        row.columns().iter().enumerate().map(value).collect();
    Ok(Row::new(values.map_err(|e| error(&e))?))
}

fn error(error: &postgres::Error) -> StoreError {
    let text = told(error);
    if is_lost(error) {
        return StoreError::Lost(text);
    }
    let hint = match error.code() {
        Some(&SqlState::DISK_FULL) => "; its disk is full: make room, then run the sweep again",
        Some(&SqlState::INSUFFICIENT_PRIVILEGE) => {
            "; the user of the database must own the tables, or be allowed to make them"
        }
        Some(&SqlState::READ_ONLY_SQL_TRANSACTION) => "; it is a replica that only reads",
        _ => "",
    };
    StoreError::Database(format!("{text}{hint}"))
}

/// What went wrong, without details, which may quote values.
fn told(error: &postgres::Error) -> String {
    if let Some(error) = error.as_db_error() {
        return error.message().to_owned();
    }
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

/// Whether the same is worth another try over a new connection: the server is down, restarts, is
/// full, cannot be reached, or chose this transaction to end a deadlock.
fn is_lost(error: &postgres::Error) -> bool {
    let Some(code) = error.code() else {
        let mut cause = error.source();
        while let Some(inner) = cause {
            if let Some(error) = inner.downcast_ref::<std::io::Error>() {
                // A certificate that is not accepted will not be the next time either.
                return error.kind() != std::io::ErrorKind::InvalidData;
            }
            cause = inner.source();
        }
        return error.is_closed();
    };
    let known = [
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::TOO_MANY_CONNECTIONS,
        SqlState::IDLE_SESSION_TIMEOUT,
        SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::T_R_SERIALIZATION_FAILURE,
    ];
    code.code().starts_with("08") || known.contains(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_show_no_password_and_encrypt_what_leaves_the_machine() {
        let mode = |uri: &str| {
            let address = Address::parse(uri, None).unwrap();
            (address.config.get_ssl_mode(), address.to_string())
        };
        let word = ["hunter", "2"].concat();
        let uri = format!("postgres://app:{word}@db.example:5433/sweeps");
        let (ssl, shown) = mode(&uri);
        assert_eq!(ssl, SslMode::Require);
        assert_eq!(shown, "postgres://app@db.example:5433/sweeps");
        let debug = format!("{:?}", Address::parse(&uri, None).unwrap());
        assert!(!debug.contains(&word));
        for local in [
            "postgresql://app@localhost/x",
            "postgres://app@127.0.0.1/x",
            "postgres://app@%2Frun%2Fpostgresql/x",
        ] {
            assert_eq!(mode(local).0, SslMode::Disable, "{local}");
        }
        let (ssl, _) = mode("postgres://app@db.example/x?sslmode=disable&connect_timeout=3");
        assert_eq!(ssl, SslMode::Disable);
        let (ssl, _) = mode("postgres://app@localhost/x?sslmode=verify-full&sslrootcert=/ca.pem");
        assert_eq!(ssl, SslMode::Require);
    }

    #[test]
    fn wrong_addresses_are_refused_and_not_quoted() {
        let word = ["hunter", "2"].concat();
        for (rest, why) in [
            ("db/x?sslmode=prefer", "sslmode"),
            ("db/x?nonsense=1", "nonsense"),
            ("db:port/x", ""),
            ("?more@db/x", "%3F"),
            ("/more@db/x?sslmode=disable", "%2F"),
        ] {
            let uri = format!("postgres://app:{word}@{rest}");
            let error = Address::parse(&uri, None).unwrap_err();
            assert!(error.contains(why), "{error}");
            assert!(!error.contains(&word), "{error}");
        }
        assert!(Address::parse("postgres:///x", None).is_err());
        assert!(Address::parse("postgres://db/x", None).is_err());
    }
}
