//! The small values of the inventory: durations, and the sources of secrets.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serializer};

/// The longest duration that is accepted: ten years.
const LONGEST: Duration = Duration::from_hours(24 * 3_650);

/// Parses `100ms`, `5s`, `10m`, `2h` or `7d`: one integer and one unit.
///
/// # Errors
/// One sentence that shows what a duration looks like, or the longest one.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a duration: write 100ms, 5s, 10m, 2h or 7d");
    let split = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let (number, unit) = text.split_at(split);
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let scale = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(wrong()),
    };
    let duration = number.checked_mul(scale).map(Duration::from_millis).filter(|duration| *duration <= LONGEST);
    duration.ok_or_else(|| format!("{text:?} is too long: the longest duration is {}", duration_text(LONGEST)))
}

/// Formats a duration as [`parse_duration`] reads it, in the largest unit that divides it; parts of a millisecond are
/// cut off.
#[must_use]
pub fn duration_text(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if duration.subsec_millis() != 0 {
        return format!("{}ms", duration.as_millis());
    }
    for (unit, scale) in [("d", 86_400), ("h", 3_600), ("m", 60)] {
        if seconds != 0 && seconds.is_multiple_of(scale) {
            return format!("{}{unit}", seconds / scale);
        }
    }
    format!("{seconds}s")
}

/// (De)serialises a duration above zero.
pub(super) mod span {
    use super::{Deserializer, Duration, Serializer, duration_text, fmt, parse_duration};

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
    pub fn serialize<S: Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&duration_text(*duration))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        struct Text;
        impl serde::de::Visitor<'_> for Text {
            type Value = Duration;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration such as 5s or 10m")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Duration, E> {
                match parse_duration(text) {
                    Ok(Duration::ZERO) => Err(E::custom("a duration of zero is not allowed here")),
                    other => other.map_err(E::custom),
                }
            }
        }
        from.deserialize_str(Text)
    }
}

/// (De)serialises a duration that may be absent.
pub(super) mod maybe_span {
    use super::{Deserializer, Duration, Serializer, span};

    #[allow(clippy::ref_option, reason = "serde calls it with a reference")]
    pub fn serialize<S: Serializer>(duration: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
        match duration {
            Some(duration) => span::serialize(duration, to),
            None => to.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
        span::deserialize(from).map(Some)
    }
}

/// (De)serialises the password of a login: a [`source`], or `none` where it has no password.
pub(super) mod login {
    pub use super::source::serialize;

    use super::Deserializer;
    use super::source::{Source, SourceVisitor};
    use crate::domain::secret::SecretSource;

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SecretSource>, D::Error> {
        from.deserialize_any(SourceVisitor(Source { of_login: true }))
    }
}

/// (De)serialises `{command: ..}`, `{env: ..}` or `{file: ..}`. A secret in its place is refused without being
/// repeated in the error.
pub(in crate::config) mod source {
    use serde::de::{Error, MapAccess, Unexpected, Visitor, value::MapAccessDeserializer};
    use serde::ser::SerializeMap;

    use super::{Deserialize, Deserializer, Serializer, fmt};
    use crate::domain::secret::{NONE, SecretSource};

    const EXPECTED: &str =
        "a secret is never written here, only where it is found: {command: ..}, {env: ..} or {file: ..}";
    const EXPECTED_OF_LOGIN: &str = "a password is never written here, only where it is found: {command: ..}, {env: ..} or \
                                     {file: ..}; or none where the login has no password";

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Written {
        command: Option<String>,
        env: Option<String>,
        file: Option<String>,
    }

    #[allow(clippy::ref_option, reason = "serde calls it with a reference")]
    pub fn serialize<S: Serializer>(source: &Option<SecretSource>, to: S) -> Result<S::Ok, S::Error> {
        let (key, value) = match source {
            Some(SecretSource::Command(text)) => ("command", text),
            Some(SecretSource::Env(name)) => ("env", name),
            Some(SecretSource::File(path)) => ("file", path),
            Some(SecretSource::NoPassword) => return to.serialize_str(NONE),
            // The user is asked: an inventory expresses that by the absence of a source.
            Some(SecretSource::Stdin | SecretSource::Prompt) | None => return to.serialize_none(),
        };
        let mut map = to.serialize_map(Some(1))?;
        map.serialize_entry(key, value)?;
        map.end()
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SecretSource>, D::Error> {
        from.deserialize_any(SourceVisitor(Source { of_login: false }))
    }

    /// The form in which a file contains the source of a secret.
    pub(in crate::config) trait SourceForm: Sized {
        /// The form in short, for an error of another type.
        const SHORT: &'static str;

        /// Returns the error where the secret itself is written instead of its source.
        fn refused(&self) -> &'static str;

        /// Returns what a key without a value means.
        ///
        /// # Errors
        /// It is refused.
        fn unit<E: Error>(self) -> Result<Option<SecretSource>, E>;

        /// Returns the source that a text names; `None`: it names none.
        fn text(&self, text: &str) -> Option<SecretSource>;

        /// Returns the source that a map names.
        ///
        /// # Errors
        /// The form has no maps, or the map names none.
        fn map<'de, A: MapAccess<'de>>(self, _: A) -> Result<Option<SecretSource>, A::Error> {
            Err(A::Error::invalid_type(Unexpected::Map, &Self::SHORT))
        }
    }

    /// Reads a source. A secret in its place, also one of digits or one that YAML reads as a boolean, is refused and not repeated.
    pub(in crate::config) struct SourceVisitor<F>(pub(in crate::config) F);

    impl<F: SourceForm> SourceVisitor<F> {
        fn refused<T, E: Error>(&self) -> Result<T, E> {
            Err(E::custom(self.0.refused()))
        }
    }

    impl<'de, F: SourceForm> Visitor<'de> for SourceVisitor<F> {
        type Value = Option<SecretSource>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(F::SHORT)
        }

        fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
            self.0.unit()
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
            self.0.text(text).map_or_else(|| self.refused(), |source| Ok(Some(source)))
        }

        fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
            self.refused()
        }

        fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
            self.refused()
        }

        fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
            self.refused()
        }

        fn visit_i128<E: Error>(self, _: i128) -> Result<Self::Value, E> {
            self.refused()
        }

        fn visit_u128<E: Error>(self, _: u128) -> Result<Self::Value, E> {
            self.refused()
        }

        fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
            self.refused()
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
            self.0.map(map)
        }
    }

    /// The form of an inventory.
    pub(super) struct Source {
        /// Whether `none` is accepted.
        pub(super) of_login: bool,
    }

    impl SourceForm for Source {
        const SHORT: &'static str = "{command: ..}, {env: ..} or {file: ..}";

        fn refused(&self) -> &'static str {
            if self.of_login { EXPECTED_OF_LOGIN } else { EXPECTED }
        }

        fn unit<E: Error>(self) -> Result<Option<SecretSource>, E> {
            Ok(None)
        }

        fn text(&self, text: &str) -> Option<SecretSource> {
            (self.of_login && text == NONE).then_some(SecretSource::NoPassword)
        }

        fn map<'de, A: MapAccess<'de>>(self, map: A) -> Result<Option<SecretSource>, A::Error> {
            let Written { command, env, file } = Written::deserialize(MapAccessDeserializer::new(map))?;
            let found: Vec<SecretSource> =
                [command.map(SecretSource::Command), env.map(SecretSource::Env), file.map(SecretSource::File)]
                    .into_iter()
                    .flatten()
                    .collect();
            let empty = |source: &SecretSource| {
                matches!(source, SecretSource::Command(text) | SecretSource::Env(text) | SecretSource::File(text)
                    if text.trim().is_empty() || text.contains('\0'))
            };
            match <[SecretSource; 1]>::try_from(found) {
                Ok([source]) if empty(&source) => Err(A::Error::custom("the source of the secret is empty")),
                Ok([source]) => Ok(Some(source)),
                Err(_) => Err(A::Error::custom("exactly one of command, env and file is needed")),
            }
        }
    }
}

#[cfg(test)]
mod tests;
