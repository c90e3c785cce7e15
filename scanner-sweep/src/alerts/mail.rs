//! Sending mail.

use super::{
    config::{Security, Smtp},
    send::Trouble,
};
use crate::http::{self, BadCertificates};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use lettre::{
    Message, SmtpTransport, Transport as _,
    message::{
        Mailbox,
        header::{ContentType, Header, HeaderName, HeaderValue},
    },
    transport::smtp::{
        Error,
        authentication::Credentials,
        client::{Certificate, CertificateStore, Tls, TlsParameters},
        extension::ClientId,
    },
};
use scanner_core::{model::Secret, report::printable};
use std::{fmt, time::Duration};

/// Longest wait for each answer of the server.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Longest piece of an answer that is told, in characters.
const MAX_TOLD_CHARS: usize = 200;

/// A mail server, ready to be sent to.
pub(super) struct Mailer {
    transport: SmtpTransport,
    from: Mailbox,
    /// What no message may say.
    hidden: Vec<String>,
}

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailer").finish_non_exhaustive()
    }
}

/// Why a mail server cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub(super) enum BadServer {
    #[error(transparent)]
    Certificates(#[from] BadCertificates),
    #[error("TLS cannot be used: {0}")]
    Tls(String),
}

/// One mail.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mail<'a> {
    /// The same for every attempt to send it, so that whoever gets it twice sees that.
    pub(super) id: &'a str,
    pub(super) to: &'a str,
    pub(super) subject: &'a str,
    pub(super) body: &'a str,
}

/// Tells other programs not to answer (RFC 3834).
#[derive(Debug, Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

impl Mailer {
    /// `host` is this machine's name.
    pub(super) fn new(
        smtp: &Smtp,
        password: Option<&Secret>,
        host: &str,
    ) -> Result<Self, BadServer> {
        let tls = match smtp.security {
            Security::None => Tls::None,
            Security::StartTls => Tls::Required(parameters(smtp)?),
            Security::Tls => Tls::Wrapper(parameters(smtp)?),
        };
        let mut builder = SmtpTransport::builder_dangerous(&smtp.host)
            .port(smtp.port)
            .tls(tls)
            .timeout(Some(TIMEOUT));
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
        if host.contains('.') && host.chars().all(plain) {
            builder = builder.hello_name(ClientId::Domain(host.to_owned()));
        }
        let mut hidden = Vec::new();
        if let (Some((user, _)), Some(password)) = (&smtp.user, password) {
            let password = String::from_utf8_lossy(password.reveal()).into_owned();
            // As it is sent, for servers that quote what they got.
            hidden.push(STANDARD.encode(&password));
            hidden.push(STANDARD.encode(format!("\0{user}\0{password}")));
            hidden.push(password.clone());
            builder = builder.credentials(Credentials::new(user.clone(), password));
        }
        Ok(Self {
            transport: builder.build(),
            from: smtp.from.clone(),
            hidden,
        })
    }

    /// Sends one mail.
    pub(super) fn send(&self, mail: &Mail<'_>) -> Result<(), Trouble> {
        let unwritable = |_| Trouble::for_good("this mail cannot be written");
        let to: Mailbox = mail.to.parse().map_err(unwritable)?;
        let domain = self.from.email.domain();
        let message = Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(mail.subject)
            .date_now()
            .message_id(Some(format!("<{}@{domain}>", mail.id)))
            .header(AutoSubmitted)
            .header(ContentType::TEXT_PLAIN)
            .body(mail.body.to_owned())
            .map_err(|_| Trouble::for_good("this mail cannot be written"))?;
        match self.transport.send(&message) {
            Ok(_) => Ok(()),
            Err(error) => Err(self.trouble(&error)),
        }
    }

    fn trouble(&self, error: &Error) -> Trouble {
        let told = error.to_string();
        let quotes = self.hidden.iter().any(|hidden| told.contains(hidden));
        let told: String = if quotes {
            "the mail server's answer quotes the password".to_owned()
        } else if let Some(told) = http::distrusted(error) {
            format!("mail: {told}")
        } else {
            let told = printable(told.as_bytes());
            let cut: String = told.chars().take(MAX_TOLD_CHARS).collect();
            format!("mail: {cut}")
        };
        let code = error.status().map(u16::from);
        match code {
            // About logging in, or about a server that is going down: no message can be sent now.
            Some(421 | 530 | 534 | 535 | 538) | None => Trouble::of_channel(told, None),
            Some(400..=499) => Trouble::passing(told),
            Some(_) => Trouble::for_good(told),
        }
    }
}

fn parameters(smtp: &Smtp) -> Result<TlsParameters, BadServer> {
    let bad = |error: Error| BadServer::Tls(printable(error.to_string().as_bytes()));
    let mut builder = TlsParameters::builder(smtp.host.clone());
    if let Some(file) = &smtp.ca {
        builder = builder.certificate_store(CertificateStore::None);
        for certificate in http::certificates(file)? {
            let certificate = Certificate::from_der(certificate.der().to_vec()).map_err(bad)?;
            builder = builder.add_root_certificate(certificate);
        }
    }
    builder.build().map_err(bad)
}
