//! A mail server on the loopback device that answers as told. Unit tests of other packages include
//! this file too.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
};

/// A mail as it came in.
#[derive(Debug, Clone)]
pub struct Received {
    /// Addresses of the envelope.
    pub to: Vec<String>,
    /// Headers and body, with line ends as they came.
    pub text: String,
}

/// A listener; it ends with the value.
#[derive(Debug)]
pub struct FakeSmtp {
    port: u16,
    stopped: Arc<AtomicBool>,
    commands: Arc<Mutex<Vec<String>>>,
    mails: Arc<Mutex<Vec<Received>>>,
    thread: Option<JoinHandle<()>>,
}

impl FakeSmtp {
    /// Takes every mail, and says that it knows these extensions.
    pub fn start(extensions: &'static [&'static str]) -> Self {
        Self::answering(extensions, |_| None)
    }

    /// As told by `answer`, which gets each command in turn, `.` for the end of a mail.
    pub fn answering(
        extensions: &'static [&'static str],
        answer: impl Fn(&str) -> Option<&'static str> + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let stopped = Arc::new(AtomicBool::new(false));
        let commands: Arc<Mutex<Vec<String>>> = Arc::default();
        let mails: Arc<Mutex<Vec<Received>>> = Arc::default();
        let state = (
            Arc::clone(&stopped),
            Arc::clone(&commands),
            Arc::clone(&mails),
        );
        let thread = std::thread::spawn(move || {
            let (stopped, commands, mails) = state;
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    break;
                }
                // A client that goes away ends the conversation.
                let _ = converse(&stream.unwrap(), extensions, &answer, &commands, &mails);
            }
        });
        Self {
            port,
            stopped,
            commands,
            mails,
            thread: Some(thread),
        }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// All lines that clients sent but for the mails.
    pub fn commands(&self) -> Vec<String> {
        self.commands.lock().unwrap().clone()
    }

    /// Mails that were taken.
    pub fn mails(&self) -> Vec<Received> {
        self.mails.lock().unwrap().clone()
    }
}

impl Drop for FakeSmtp {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        // Wakes the listener.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn converse(
    stream: &TcpStream,
    extensions: &[&str],
    answer: &(impl Fn(&str) -> Option<&'static str> + ?Sized),
    commands: &Mutex<Vec<String>>,
    mails: &Mutex<Vec<Received>>,
) -> std::io::Result<()> {
    let mut out = stream;
    let mut reader = BufReader::new(stream);
    let mut to = Vec::new();
    write!(out, "220 fake ESMTP\r\n")?;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let line = line.trim_end();
        commands.lock().unwrap().push(line.to_owned());
        let usual = match line.split([' ', ':']).next().unwrap_or_default() {
            "EHLO" => {
                let all: Vec<String> = std::iter::once(&"fake")
                    .chain(extensions)
                    .map(|&text| text.to_owned())
                    .collect();
                let (last, before) = all.split_last().unwrap();
                for text in before {
                    write!(out, "250-{text}\r\n")?;
                }
                write!(out, "250 {last}\r\n")?;
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
        write!(out, "{told}\r\n")?;
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
                mails.lock().unwrap().push(Received { to, text });
            }
            write!(out, "{told}\r\n")?;
        }
    }
}
