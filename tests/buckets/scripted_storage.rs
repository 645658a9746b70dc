//! A scripted object storage server, for responses that no real one produces.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value)
    }
}

/// A response: status, headers and body. `None`: the connection stays open without a response.
pub type Answer = Option<(u16, Vec<(&'static str, String)>, Vec<u8>)>;

/// An answer in XML.
#[allow(clippy::unnecessary_wraps, reason = "it is what a double answers")]
pub fn xml(status: u16, body: &str) -> Answer {
    Some((status, vec![("content-type", "application/xml".to_owned())], body.as_bytes().to_vec()))
}

/// The error of a code, as S3, OSS and COS write it.
pub fn error(status: u16, code: &str) -> Answer {
    xml(
        status,
        &format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>RAW <b>words</b></Message></Error>"),
    )
}

/// A scripted server; it runs until the test ends.
pub struct ScriptedStorage {
    pub port: u16,
    pub seen: Arc<Mutex<Vec<Request>>>,
}

impl ScriptedStorage {
    pub fn new(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        Self::with_tls(None, answer)
    }

    /// The same behind TLS.
    pub fn with_tls(
        tls: Option<Arc<rustls::ServerConfig>>,
        answer: impl Fn(&Request) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (answer, log) = (Arc::new(answer), Arc::clone(&seen));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (answer, log, tls) = (Arc::clone(&answer), Arc::clone(&log), tls.clone());
                std::thread::spawn(move || match tls {
                    None => serve(stream, answer.as_ref(), &log),
                    Some(tls) => {
                        let session = rustls::ServerConnection::new(tls).unwrap();
                        serve(rustls::StreamOwned::new(session, stream), answer.as_ref(), &log);
                    }
                });
            }
        });
        Self { port, seen }
    }

    /// Starts a working bucket, except for the requests that `other` answers.
    pub fn bucket(other: impl Fn(&Request) -> Option<Answer> + Send + Sync + 'static) -> Self {
        Self::bucket_with_tls(None, other)
    }

    /// The same behind TLS.
    pub fn bucket_with_tls(
        tls: Option<Arc<rustls::ServerConfig>>,
        other: impl Fn(&Request) -> Option<Answer> + Send + Sync + 'static,
    ) -> Self {
        let kept = Mutex::new(Vec::<(String, Vec<u8>)>::new());
        Self::with_tls(tls, move |request| {
            if let Some(answer) = other(request) {
                return answer;
            }
            let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
            let mut kept = kept.lock().unwrap();
            let place = kept.iter().position(|(key, _)| key == path);
            match (request.method.as_str(), place) {
                ("PUT", _) => {
                    kept.push((path.to_owned(), request.body.clone()));
                    xml(200, "")
                }
                ("GET", _) if query.contains("prefix=") || query.contains("max-keys=") => {
                    let keys: Vec<String> = kept
                        .iter()
                        .map(|(path, _)| {
                            format!(
                                "<Contents><Key>{}</Key></Contents>",
                                path.splitn(3, '/').nth(2).unwrap_or_default()
                            )
                        })
                        .collect();
                    let keys = keys.concat();
                    xml(200, &format!("<ListBucketResult><Name>backups</Name>{keys}</ListBucketResult>"))
                }
                ("GET" | "HEAD", Some(place)) => Some((200, Vec::new(), kept[place].1.clone())),
                ("DELETE", Some(place)) => {
                    kept.remove(place);
                    xml(204, "")
                }
                _ => error(404, "NoSuchKey"),
            }
        })
    }
}

fn serve(stream: impl Read + Write, answer: &(dyn Fn(&Request) -> Answer + Send + Sync), log: &Mutex<Vec<Request>>) {
    let mut reader = BufReader::new(stream);
    loop {
        let mut first = String::new();
        if reader.read_line(&mut first).unwrap_or(0) == 0 {
            return;
        }
        let mut words = first.split_whitespace().map(str::to_owned);
        let (Some(method), Some(target)) = (words.next(), words.next()) else { return };
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 || line.trim().is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').unwrap();
            headers.push((name.to_lowercase(), value.trim().to_owned()));
        }
        let mut request = Request { method, target, headers, body: Vec::new() };
        let length = request.header("content-length").parse().unwrap_or(0);
        request.body.resize(length, 0);
        if reader.read_exact(&mut request.body).is_err() {
            return;
        }
        log.lock().unwrap().push(request.clone());
        let Some((status, headers, body)) = answer(&request) else {
            // Nothing is said until the other side has gone.
            let _ = reader.read(&mut [0]);
            return;
        };
        let mut head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in headers {
            head.extend([name, ": ", &value, "\r\n"]);
        }
        head.push_str("\r\n");
        let body = if request.method == "HEAD" { Vec::new() } else { body };
        let stream = reader.get_mut();
        let sent = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
        if sent.and_then(|()| stream.flush()).is_err() {
            return;
        }
    }
}
