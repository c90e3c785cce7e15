//! A port on the loopback device: what servers of tests have in common, whatever protocol they speak.

use rustls::{ServerConfig, ServerConnection, Stream};
use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
};

/// Takes connections, one thread each; no more of them once the value is gone.
#[derive(Debug)]
pub struct Listener {
    port: u16,
    stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    /// Hands every connection to `serve`.
    pub fn start(serve: impl Fn(Connection) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let stopped = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&stopped);
        let serve = Arc::new(serve);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                let connection = Connection {
                    stream: stream.unwrap(),
                    tls: None,
                };
                let serve = Arc::clone(&serve);
                std::thread::spawn(move || serve(connection));
            }
        });
        Self {
            port,
            stopped,
            thread: Some(thread),
        }
    }

    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        // Wakes the listener.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// A connection, open to be read on its way until it is [secured](Self::secure).
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    tls: Option<Box<ServerConnection>>,
}

impl Connection {
    /// Speaks TLS from here on.
    pub fn secure(&mut self, tls: &Arc<ServerConfig>) {
        self.tls = Some(Box::new(ServerConnection::new(Arc::clone(tls)).unwrap()));
    }

    pub fn is_secure(&self) -> bool {
        self.tls.is_some()
    }
}

impl Read for Connection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.tls {
            None => self.stream.read(buffer),
            Some(tls) => Stream::new(&mut **tls, &mut self.stream).read(buffer),
        }
    }
}

impl Write for Connection {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match &mut self.tls {
            None => self.stream.write(buffer),
            Some(tls) => Stream::new(&mut **tls, &mut self.stream).write(buffer),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.tls {
            None => self.stream.flush(),
            Some(tls) => Stream::new(&mut **tls, &mut self.stream).flush(),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(tls) = &mut self.tls {
            // Without it, what came last might have been cut off.
            tls.send_close_notify();
            // Nobody may be left to hear.
            drop(self.flush());
        }
    }
}
