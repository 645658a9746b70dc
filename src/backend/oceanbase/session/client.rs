//! A client of the MySQL protocol that sends text statements one after the other.

use tokio::net::TcpStream;
use zeroize::Zeroizing;

use super::client_error::ClientError;
use super::login::{LoginRequest, log_in};
use super::packet_stream::PacketStream;
use super::result_reader::ResultReader;
use super::row::Row;

/// The command byte of a text query.
const COM_QUERY: u8 = 3;

/// An open connection.
pub(super) struct Client {
    packets: PacketStream,
    /// The pending results of the last text; they remain where the caller stopped waiting.
    answers: Option<ResultReader>,
    /// Whether the connection cannot be used any more, since the next bytes on it are unknown.
    given_up: bool,
}

impl Client {
    /// Connects and logs in.
    ///
    /// # Errors
    /// The connection or the login failed.
    pub(super) async fn connect(port: u16, login: &LoginRequest<'_>) -> Result<Self, ClientError> {
        let stream = TcpStream::connect((login.host, port)).await?;
        // Queries are sent at once.
        stream.set_nodelay(true)?;
        Ok(Self { packets: log_in(stream, login).await?, answers: None, given_up: false })
    }

    /// Sends one query and returns its rows.
    ///
    /// # Errors
    /// As [`Client::send`] and [`Client::next`].
    pub(super) async fn query_within(&mut self, sql: &str) -> Result<Vec<Row>, ClientError> {
        self.send(sql, 1).await?;
        Ok(self.next().await?.unwrap_or_default())
    }

    /// Sends a text of this many statements. Pending results of the text before are read first, so that they are never taken for
    /// results of this one.
    ///
    /// # Errors
    /// The connection failed. Only after an error of the server it can still be used.
    pub(super) async fn send(&mut self, sql: &str, statements: usize) -> Result<(), ClientError> {
        if let Some(answers) = &mut self.answers {
            answers.discard();
            loop {
                match self.next().await {
                    Ok(Some(_)) => {}
                    Ok(None) | Err(ClientError::Refused(_)) => break,
                    Err(trouble) => return Err(trouble),
                }
            }
        }
        if self.given_up {
            return Err(ClientError::Malformed("the connection was given up after a wrong answer"));
        }
        let mut command = Zeroizing::new(Vec::with_capacity(sql.len() + 1));
        command.push(COM_QUERY);
        command.extend_from_slice(sql.as_bytes());
        self.packets.begin_command();
        // If the future is dropped while sending, only a part may have been sent.
        self.given_up = true;
        self.packets.send(&command).await?;
        self.given_up = false;
        self.answers = Some(ResultReader::to(statements));
        Ok(())
    }

    /// Reads the next result of the last text to its end; `None` where there is no other one. An error of the server is the last
    /// result.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Row>>, ClientError> {
        let outcome = loop {
            let Some(answers) = &mut self.answers else { return Ok(None) };
            let packet = match self.packets.next(answers.bounds()).await {
                Ok(packet) => packet,
                Err(trouble) => break Err(trouble),
            };
            match answers.take(packet) {
                Ok(None) => {}
                Ok(Some(whole)) if !whole.last => return Ok(Some(whole.rows)),
                Ok(Some(whole)) => break Ok(whole.rows),
                Err(trouble) => break Err(trouble),
            }
        };
        self.answers = None;
        self.given_up = match &outcome {
            Ok(_) => false,
            Err(ClientError::Refused(refusal)) => !refusal.whole,
            Err(_) => true,
        };
        outcome.map(Some)
    }
}

#[cfg(test)]
mod tests;
