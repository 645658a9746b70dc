//! A client of the MySQL protocol: text statements, one after the other.

use tokio::net::TcpStream;
use zeroize::Zeroizing;

use super::answer::Answer;
use super::login::{Login, log_in};
use super::packets::Packets;
use super::row::Row;
use super::trouble::Trouble;

/// The command that carries a text.
const QUERY: u8 = 3;

/// An open connection.
pub(super) struct Client {
    packets: Packets,
    /// The answer that is being read; it stays where nobody waited for its end.
    answer: Option<Answer>,
    /// Whether nothing can be asked any more: what comes next on the connection is not known.
    given_up: bool,
}

impl Client {
    /// Connects and logs in.
    ///
    /// # Errors
    /// What went wrong.
    pub(super) async fn connect(port: u16, login: &Login<'_>) -> Result<Self, Trouble> {
        let stream = TcpStream::connect((login.host, port)).await?;
        // A question waits for nothing.
        stream.set_nodelay(true)?;
        Ok(Self { packets: log_in(stream, login).await?, answer: None, given_up: false })
    }

    /// Asks for rows. What is left of an answer that nobody waited for is read first, so that it is never taken for this one.
    ///
    /// # Errors
    /// What went wrong. After all but a refusal the connection is of no more use.
    pub(super) async fn ask(&mut self, sql: &str) -> Result<Vec<Row>, Trouble> {
        if let Some(answer) = &mut self.answer {
            answer.forget();
            match self.finish().await {
                Ok(_) | Err(Trouble::Refused(_)) => {}
                Err(trouble) => return Err(trouble),
            }
        }
        if self.given_up {
            return Err(Trouble::Malformed("the connection was given up after a wrong answer"));
        }
        let mut command = Zeroizing::new(Vec::with_capacity(sql.len() + 1));
        command.push(QUERY);
        command.extend_from_slice(sql.as_bytes());
        self.packets.begin_command();
        // Where nobody waits for the end of the sending, only a part may have left.
        self.given_up = true;
        self.packets.send(&command).await?;
        self.given_up = false;
        self.answer = Some(Answer::new());
        self.finish().await
    }

    /// Reads the answer to its end.
    async fn finish(&mut self) -> Result<Vec<Row>, Trouble> {
        let outcome = loop {
            let Some(answer) = &mut self.answer else { return Ok(Vec::new()) };
            let packet = match self.packets.next(answer.bounds()).await {
                Ok(packet) => packet,
                Err(trouble) => break Err(trouble),
            };
            match answer.take(packet) {
                Ok(None) => {}
                Ok(Some(rows)) => break Ok(rows),
                Err(trouble) => break Err(trouble),
            }
        };
        self.answer = None;
        self.given_up = match &outcome {
            Ok(_) => false,
            Err(Trouble::Refused(refusal)) => !refusal.whole,
            Err(_) => true,
        };
        outcome
    }
}

#[cfg(test)]
mod tests;
