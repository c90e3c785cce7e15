//! A mail server on the loopback device that answers as told. Unit tests of other packages include
//! this file too.

use super::listener::{Connection, Listener};
use rustls::ServerConfig;
use std::{
    io::{BufRead, BufReader, Write},
    sync::{Arc, Mutex},
};

/// A mail as it came in.
#[derive(Debug, Clone)]
pub struct Received {
    /// Addresses of the envelope.
    pub to: Vec<String>,
    /// Headers and body, with line ends as they came.
    pub text: String,
}

/// How the server speaks TLS.
#[derive(Debug, Clone)]
pub enum Tls {
    /// Not at all, whatever it says.
    Never,
    /// When it is asked to.
    WhenAsked(Arc<ServerConfig>),
    /// From the first byte on.
    AtOnce(Arc<ServerConfig>),
}

/// A command, or the `.` at the end of a mail.
#[derive(Debug, Clone)]
struct Said {
    line: String,
    secure: bool,
}

/// What came in.
#[derive(Debug, Default)]
struct Log {
    commands: Mutex<Vec<Said>>,
    mails: Mutex<Vec<Received>>,
}

/// A listener; it ends with the value.
#[derive(Debug)]
pub struct FakeSmtp {
    listener: Listener,
    log: Arc<Log>,
}

impl FakeSmtp {
    /// Takes every mail, and says that it knows these extensions.
    pub fn start(extensions: &'static [&'static str]) -> Self {
        Self::answering(extensions, |_| None)
    }

    /// As told by `answer`, which gets each command in turn, `.` for the end of a mail.
    pub fn answering(
        extensions: &'static [&'static str],
        answer: impl Fn(&str) -> Option<&'static str> + Send + Sync + 'static,
    ) -> Self {
        Self::serving(extensions, Tls::Never, answer)
    }

    /// Takes every mail, over TLS.
    pub fn secured(extensions: &'static [&'static str], tls: Tls) -> Self {
        Self::serving(extensions, tls, |_| None)
    }

    fn serving(
        extensions: &'static [&'static str],
        tls: Tls,
        answer: impl Fn(&str) -> Option<&'static str> + Send + Sync + 'static,
    ) -> Self {
        let log: Arc<Log> = Arc::default();
        let taken = Arc::clone(&log);
        let listener = Listener::start(move |mut connection| {
            if let Tls::AtOnce(tls) = &tls {
                connection.secure(tls);
            }
            // A client that goes away ends the conversation.
            drop(converse(connection, extensions, &tls, &answer, &taken));
        });
        Self { listener, log }
    }

    pub fn port(&self) -> u16 {
        self.listener.port()
    }

    /// All lines that clients sent but for the mails.
    pub fn commands(&self) -> Vec<String> {
        let commands = self.log.commands.lock().unwrap();
        commands.iter().map(|said| said.line.clone()).collect()
    }

    /// Those of them that anyone on the way could read.
    pub fn in_the_open(&self) -> Vec<String> {
        let commands = self.log.commands.lock().unwrap();
        let open = commands.iter().filter(|said| !said.secure);
        open.map(|said| said.line.clone()).collect()
    }

    /// Mails that were taken.
    pub fn mails(&self) -> Vec<Received> {
        self.log.mails.lock().unwrap().clone()
    }
}

fn converse(
    connection: Connection,
    extensions: &[&str],
    tls: &Tls,
    answer: &(impl Fn(&str) -> Option<&'static str> + ?Sized),
    log: &Log,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(connection);
    let mut to = Vec::new();
    write!(reader.get_mut(), "220 fake ESMTP\r\n")?;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let line = line.trim_end();
        log.commands.lock().unwrap().push(Said {
            line: line.to_owned(),
            secure: reader.get_ref().is_secure(),
        });
        let usual = match line.split([' ', ':']).next().unwrap_or_default() {
            "EHLO" => {
                let all: Vec<String> = std::iter::once(&"fake")
                    .chain(extensions)
                    .map(|&text| text.to_owned())
                    .collect();
                let (last, before) = all.split_last().unwrap();
                for text in before {
                    write!(reader.get_mut(), "250-{text}\r\n")?;
                }
                write!(reader.get_mut(), "250 {last}\r\n")?;
                continue;
            }
            "AUTH" => "235 welcome",
            "STARTTLS" => "220 go ahead",
            "DATA" => "354 go ahead",
            "QUIT" => "221 bye",
            _ => "250 ok",
        };
        let told = answer(line).unwrap_or(usual);
        if let Some(address) = line.strip_prefix("RCPT TO:") {
            to.push(address.trim_matches(['<', '>']).to_owned());
        }
        write!(reader.get_mut(), "{told}\r\n")?;
        if let Tls::WhenAsked(tls) = tls
            && line == "STARTTLS"
        {
            reader.get_mut().secure(tls);
        }
        if line == "QUIT" {
            return Ok(());
        }
        if told.starts_with("354") {
            let mut text = String::new();
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line)? == 0 {
                    return Ok(());
                }
                if line == ".\r\n" {
                    break;
                }
                text += line.strip_prefix('.').unwrap_or(&line);
            }
            let told = answer(".").unwrap_or("250 taken");
            if told.starts_with('2') {
                let to = std::mem::take(&mut to);
                log.mails.lock().unwrap().push(Received { to, text });
            }
            write!(reader.get_mut(), "{told}\r\n")?;
        }
    }
}
