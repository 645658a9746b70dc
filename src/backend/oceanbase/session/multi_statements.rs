//! Sends several queries in one text, which saves round trips. Only complete results are used: queries that got none are sent
//! again alone.
//!
//! V3.1.0 to V3.1.2 accept several statements from a client that asks for it in its login, V3.1.3 and later from every client
//! (source, `ObMPQuery::process`, `OMPKHandshakeResponse::decode`): results come in order, an error is the last result, and each
//! statement has the time limit of the session (observed on seekdb 1.4.0). Whether a proxy in between does is tested first.

use tokio::time::timeout;

use super::client_error::ClientError;
use super::faults::statement_failure;
use super::purpose::Purpose;
use super::{Failure, GRACE, Row, TypedSession};

/// The prefixes of texts that only read.
const QUERY_PREFIXES: [&str; 3] = ["SELECT ", "SHOW ", "DESC "];

/// Whether several queries may be sent in one text on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MultiStatements {
    /// Never: it was not requested, or did not work.
    Off,
    /// It was requested in the login.
    Requested,
    /// It is being tested; without an answer the connection cannot be used any more.
    Trying,
    /// A text of two queries had both results.
    Confirmed,
}

impl MultiStatements {
    /// Returns the initial state for a purpose.
    pub(super) fn of<P: Purpose>() -> Self {
        if P::REQUESTS_MULTI_STATEMENTS { Self::Requested } else { Self::Off }
    }
}

/// The results of a text of several queries.
struct BatchResult {
    /// The complete results, in order.
    whole: Vec<Vec<Row>>,
    /// What ended the text early; `None` where nothing did.
    ended: Option<BatchEnd>,
}

/// What ended a text before its last result.
enum BatchEnd {
    /// The server reported an error; the connection can still be used.
    Refused,
    /// No answer came; the connection cannot be used any more.
    Lost(Failure),
}

impl<P: Purpose> TypedSession<P> {
    /// Sends every query in a text of its own from now on.
    pub fn disable_multi_statements(&mut self) {
        self.several = MultiStatements::Off;
    }

    /// Returns whether the connection was lost while several queries in one text were tested.
    #[must_use]
    pub fn was_lost_testing_multi_statements(&self) -> bool {
        self.several == MultiStatements::Trying
    }

    /// Sends a query and tests with it whether several queries in one text work: it is sent twice in one text. Where that is
    /// refused, or the results differ, it is sent once more alone, and so are all queries from then on.
    ///
    /// # Errors
    /// As [`TypedSession::rows`].
    pub async fn query_testing_multi_statements(&mut self, sql: &str) -> Result<Vec<Row>, Failure> {
        if self.several != MultiStatements::Requested {
            return self.rows(sql).await;
        }
        self.several = MultiStatements::Trying;
        let BatchResult { whole, ended } = self.query_batch(&[sql, sql]).await;
        if let Some(BatchEnd::Lost(failure)) = ended {
            return Err(failure);
        }
        if let [rows, again] = &whole[..]
            && rows.iter().eq(again)
        {
            self.several = MultiStatements::Confirmed;
            return Ok(rows.clone());
        }
        self.several = MultiStatements::Off;
        self.rows(sql).await
    }

    /// Sends queries, in one text where that works, and returns a result for each in order. A query that failed in such a text
    /// is sent again alone before its error counts, and so is a query without a result.
    pub async fn query_all<S: AsRef<str>>(&mut self, questions: &[S]) -> Vec<Result<Vec<Row>, Failure>> {
        let mut answers = Vec::with_capacity(questions.len());
        while answers.len() < questions.len() {
            let left: Vec<&str> = questions[answers.len()..].iter().map(AsRef::as_ref).collect();
            let mut refused_in_text = false;
            if self.can_batch(&left) {
                let BatchResult { whole, ended } = self.query_batch(&left).await;
                answers.extend(whole.into_iter().map(Ok));
                match ended {
                    Some(BatchEnd::Refused) => refused_in_text = true,
                    Some(BatchEnd::Lost(failure)) => answers.resize(questions.len(), Err(failure)),
                    // The other end stops after one of the statements.
                    None if answers.len() < questions.len() => self.several = MultiStatements::Off,
                    None => {}
                }
            }
            let Some(next) = questions.get(answers.len()) else { break };
            let answer = self.rows(next.as_ref()).await;
            if refused_in_text && answer.is_ok() {
                // The text was refused, not the query.
                self.several = MultiStatements::Off;
            }
            let lost = answer.as_ref().err().filter(|failure| !failure.answered).cloned();
            answers.push(answer);
            if let Some(failure) = lost {
                answers.resize(questions.len(), Err(failure));
            }
        }
        answers
    }

    /// Returns whether these queries can be sent in one text.
    fn can_batch(&self, questions: &[&str]) -> bool {
        #[cfg(test)]
        if self.tape.is_some() {
            // A recording has the result of each single query.
            return false;
        }
        self.several == MultiStatements::Confirmed
            && questions.len() > 1
            && questions.iter().all(|question| is_single_query(question))
    }

    /// Sends queries as one text and reads their results, each within the time limit of a query.
    async fn query_batch(&mut self, questions: &[&str]) -> BatchResult {
        let mut whole = Vec::new();
        let ended = self.read_batch(questions, &mut whole).await.err();
        BatchResult { whole, ended }
    }

    async fn read_batch(&mut self, questions: &[&str], whole: &mut Vec<Vec<Row>>) -> Result<(), BatchEnd> {
        let deadline = self.limit + GRACE;
        let lost = |endpoint: &str, trouble: &ClientError, question: &str| {
            BatchEnd::Lost(Failure { answered: false, ..statement_failure(trouble, endpoint, question) })
        };
        let first = questions.first().copied().unwrap_or_default();
        let sent = timeout(deadline, self.client.send(&questions.join("; "), questions.len())).await;
        sent.map_err(|_| BatchEnd::Lost(self.timeout_failure(first, deadline)))?
            .map_err(|trouble| lost(&self.endpoint, &trouble, first))?;
        for question in questions {
            match timeout(deadline, self.client.next()).await {
                Ok(Ok(Some(rows))) => whole.push(rows),
                Ok(Ok(None)) => break,
                Ok(Err(ClientError::Refused(refusal))) if refusal.whole => return Err(BatchEnd::Refused),
                Ok(Err(trouble)) => return Err(lost(&self.endpoint, &trouble, question)),
                Err(_) => return Err(BatchEnd::Lost(self.timeout_failure(question, deadline))),
            }
        }
        Ok(())
    }
}

/// Returns whether a text is certainly one query.
fn is_single_query(text: &str) -> bool {
    QUERY_PREFIXES.iter().any(|begin| text.starts_with(begin)) && !text.contains(';')
}
