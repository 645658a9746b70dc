//! Several questions in one text, which spares round trips. Only whole answers are taken from such a text: whatever it leaves
//! unanswered is asked again alone.
//!
//! V3.1.0 to V3.1.2 take several statements from a client that asks for it in its login, V3.1.3 and later from every client (source,
//! `ObMPQuery::process`, `OMPKHandshakeResponse::decode`): they answer in order, an error is the last answer, and each statement
//! has the time limit of the session (seen on seekdb 1.4.0). A proxy in between is tried first.

use tokio::time::timeout;

use super::faults::statement_failure;
use super::purpose::Purpose;
use super::trouble::Trouble;
use super::{Connected, Failure, GRACE, Row};

/// How the words of a text begin that only asks.
const QUESTIONS: [&str; 3] = ["SELECT ", "SHOW ", "DESC "];

/// Whether several questions may be one text on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Several {
    /// Never: it was not asked for, or was not taken.
    No,
    /// It was asked for in the login.
    Asked,
    /// It is being tried; where that had no answer, the connection is of no more use.
    Tried,
    /// A text of two questions had both answers.
    Taken,
}

impl Several {
    /// What a login for this purpose begins with.
    pub(super) fn of<P: Purpose>() -> Self {
        if P::ASKS_SEVERAL { Self::Asked } else { Self::No }
    }
}

/// What came of a text of several questions.
struct Joined {
    /// The answers that came whole, in order.
    whole: Vec<Vec<Row>>,
    /// What ended the text after them; None: nothing did.
    ended: Option<Ended>,
}

/// What ended a text before its last answer.
enum Ended {
    /// The server refused, and the connection can be asked further.
    Refused,
    /// There is no answer, and the connection is of no more use.
    Lost(Failure),
}

impl<P: Purpose> Connected<P> {
    /// From now on every question is a text of its own.
    pub fn ask_one_at_a_time(&mut self) {
        self.several = Several::No;
    }

    /// Whether the connection was lost while several questions in one text were tried.
    #[must_use]
    pub fn was_lost_on_trial(&self) -> bool {
        self.several == Several::Tried
    }

    /// Asks for rows, and finds out with it whether several questions in one text have their answers: it is asked twice in one. Where
    /// that is refused, or both answers are not the same, it is asked once more alone, and so is everything from then on.
    ///
    /// # Errors
    /// As [`Connected::rows`].
    pub async fn rows_on_trial(&mut self, sql: &str) -> Result<Vec<Row>, Failure> {
        if self.several != Several::Asked {
            return self.rows(sql).await;
        }
        self.several = Several::Tried;
        let Joined { whole, ended } = self.joined(&[sql, sql]).await;
        if let Some(Ended::Lost(failure)) = ended {
            return Err(failure);
        }
        if let [rows, again] = &whole[..]
            && rows.iter().eq(again)
        {
            self.several = Several::Taken;
            return Ok(rows.clone());
        }
        self.several = Several::No;
        self.rows(sql).await
    }

    /// Asks questions, in one text where that is taken; an answer for each, in their order. A question that was refused in such a text
    /// is asked again alone before its refusal is believed, and so is what the text left unanswered.
    pub async fn rows_together<S: AsRef<str>>(&mut self, questions: &[S]) -> Vec<Result<Vec<Row>, Failure>> {
        let mut answers = Vec::with_capacity(questions.len());
        while answers.len() < questions.len() {
            let left: Vec<&str> = questions[answers.len()..].iter().map(AsRef::as_ref).collect();
            let mut refused_in_text = false;
            if self.joins(&left) {
                let Joined { whole, ended } = self.joined(&left).await;
                answers.extend(whole.into_iter().map(Ok));
                match ended {
                    Some(Ended::Refused) => refused_in_text = true,
                    Some(Ended::Lost(failure)) => answers.resize(questions.len(), Err(failure)),
                    // What answers there ends a text behind one of its statements.
                    None if answers.len() < questions.len() => self.several = Several::No,
                    None => {}
                }
            }
            let Some(next) = questions.get(answers.len()) else { break };
            let answer = self.rows(next.as_ref()).await;
            if refused_in_text && answer.is_ok() {
                // It was the text that was refused, not the question.
                self.several = Several::No;
            }
            let lost = answer.as_ref().err().filter(|failure| !failure.answered).cloned();
            answers.push(answer);
            if let Some(failure) = lost {
                answers.resize(questions.len(), Err(failure));
            }
        }
        answers
    }

    /// Whether these questions go in one text.
    fn joins(&self, questions: &[&str]) -> bool {
        #[cfg(test)]
        if self.tape.is_some() {
            // A tape has the answer to each question.
            return false;
        }
        self.several == Several::Taken && questions.len() > 1 && questions.iter().all(|question| fits(question))
    }

    /// Sends questions as one text and reads their answers, each within the time of a question.
    async fn joined(&mut self, questions: &[&str]) -> Joined {
        let mut whole = Vec::new();
        let ended = self.read_answers(questions, &mut whole).await.err();
        Joined { whole, ended }
    }

    async fn read_answers(&mut self, questions: &[&str], whole: &mut Vec<Vec<Row>>) -> Result<(), Ended> {
        let deadline = self.limit + GRACE;
        let lost = |endpoint: &str, trouble: &Trouble, question: &str| {
            Ended::Lost(Failure { answered: false, ..statement_failure(trouble, endpoint, question) })
        };
        let first = questions.first().copied().unwrap_or_default();
        let sent = timeout(deadline, self.client.send(&questions.join("; "), questions.len())).await;
        sent.map_err(|_| Ended::Lost(self.late(first, deadline)))?
            .map_err(|trouble| lost(&self.endpoint, &trouble, first))?;
        for question in questions {
            match timeout(deadline, self.client.next()).await {
                Ok(Ok(Some(rows))) => whole.push(rows),
                Ok(Ok(None)) => break,
                Ok(Err(Trouble::Refused(refusal))) if refusal.whole => return Err(Ended::Refused),
                Ok(Err(trouble)) => return Err(lost(&self.endpoint, &trouble, question)),
                Err(_) => return Err(Ended::Lost(self.late(question, deadline))),
            }
        }
        Ok(())
    }
}

/// Whether a text is one question, whoever takes it apart.
fn fits(text: &str) -> bool {
    QUESTIONS.iter().any(|begin| text.starts_with(begin)) && !text.contains(';')
}
