//! Finds the position of a path in a YAML text: a second walk over the text, which stops at the path with an error of its own.
//! The parser's errors have a line and a column, and its values do not.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Returns the line and column (from 1) of `path`, such as `clusters[1].endpoints`, or of the deepest part of it that exists.
pub(super) fn locate(text: &str, path: &str) -> Option<(usize, usize)> {
    let steps: Vec<&str> = path.split(['.', '[']).map(|step| step.trim_end_matches(']')).collect();
    let walk = Walk { steps: &steps };
    let error = walk.deserialize(serde_yaml::Deserializer::from_str(text)).err()?;
    error.location().map(|at| (at.line(), at.column()))
}

struct Walk<'a> {
    steps: &'a [&'a str],
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

fn here<E: Error>() -> Result<(), E> {
    Err(E::custom("here"))
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        if let Some((step, rest)) = self.steps.split_first() {
            while let Some(key) = map.next_key::<String>()? {
                if key == *step {
                    return map.next_value_seed(Walk { steps: rest });
                }
                map.next_value::<IgnoredAny>()?;
            }
        }
        here()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        if let Some((step, rest)) = self.steps.split_first()
            && let Ok(index) = step.parse::<usize>()
        {
            for _ in 0..index {
                if list.next_element::<IgnoredAny>()?.is_none() {
                    return here();
                }
            }
            list.next_element_seed(Walk { steps: rest })?;
        }
        here()
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        here()
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        here()
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        here()
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        here()
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        here()
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        here()
    }
}
