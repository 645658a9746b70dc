//! A client of the MySQL protocol: text statements, one text after the other.

use tokio::net::TcpStream;
use zeroize::Zeroizing;

use super::answer::Answers;
use super::login::{Login, log_in};
use super::packets::Packets;
use super::row::Row;
use super::trouble::Trouble;

/// The command that carries a text.
const QUERY: u8 = 3;

/// An open connection.
pub(super) struct Client {
    packets: Packets,
    /// The answers to the last text, while one is to come; they stay where nobody waited for their end.
    answers: Option<Answers>,
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
        Ok(Self { packets: log_in(stream, login).await?, answers: None, given_up: false })
    }

    /// Asks for rows.
    ///
    /// # Errors
    /// As [`Client::send`] and [`Client::next`].
    pub(super) async fn ask(&mut self, sql: &str) -> Result<Vec<Row>, Trouble> {
        self.send(sql, 1).await?;
        Ok(self.next().await?.unwrap_or_default())
    }

    /// Sends a text of so many statements. What is left of answers that nobody waited for is read first, so that it is never
    /// taken for an answer to this one.
    ///
    /// # Errors
    /// What went wrong. After all but a refusal the connection is of no more use.
    pub(super) async fn send(&mut self, sql: &str, statements: usize) -> Result<(), Trouble> {
        if let Some(answers) = &mut self.answers {
            answers.forget();
            loop {
                match self.next().await {
                    Ok(Some(_)) => {}
                    Ok(None) | Err(Trouble::Refused(_)) => break,
                    Err(trouble) => return Err(trouble),
                }
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
        self.answers = Some(Answers::to(statements));
        Ok(())
    }

    /// Reads the next answer to the text that was sent, to its end. None: there is no other one. A refusal is the last answer.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Row>>, Trouble> {
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
            Err(Trouble::Refused(refusal)) => !refusal.whole,
            Err(_) => true,
        };
        outcome.map(Some)
    }
}

#[cfg(test)]
mod tests;
