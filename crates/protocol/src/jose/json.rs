//! JSON from outside, read strictly: no duplicate members, at no level.
//!
//! RFC 7515 §4 and RFC 7519 §4 let a reader refuse duplicates or take the last; two readers that
//! choose differently see two different tokens, so hallpass refuses.
//! <https://www.rfc-editor.org/rfc/rfc7519#section-4>

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor,
};
use serde_json::{Map, Number, Value};

/// Why bytes are no acceptable JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// The bytes are not UTF-8.
    #[error("not UTF-8")]
    NotUtf8,
    /// A name stands twice in one object.
    #[error("an object has the same member twice")]
    DuplicateMember,
    /// Anything else: syntax, a number that no double holds, nesting past 127 levels.
    #[error("not JSON")]
    Malformed,
    /// Valid JSON, but not an object.
    #[error("not a JSON object")]
    NotAnObject,
}

/// Why an object was not read as what it should be.
#[derive(Debug)]
pub(super) enum ObjectError {
    /// It is no acceptable JSON object.
    Json(JsonError),
    /// Its members are absent, malformed or of the wrong type.
    Members(serde_json::Error),
}

/// Reads one JSON value.
pub fn parse(bytes: &[u8]) -> Result<Value, JsonError> {
    let text = std::str::from_utf8(bytes).map_err(|_| JsonError::NotUtf8)?;
    let duplicate = Cell::new(false);
    read(text, Strict(&duplicate), &duplicate)
}

/// Reads one JSON object as what it should be. Two passes and no map between them: the first one
/// looks at the names only, and cost is what matters here, since every token is read so.
pub(super) fn read_object<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ObjectError> {
    let text = check_object(bytes).map_err(ObjectError::Json)?;
    serde_json::from_str(text).map_err(ObjectError::Members)
}

/// Whether bytes are one JSON object that [`parse_object`] accepts; they are its text.
fn check_object(bytes: &[u8]) -> Result<&str, JsonError> {
    let text = std::str::from_utf8(bytes).map_err(|_| JsonError::NotUtf8)?;
    let duplicate = Cell::new(false);
    match read(text, Check(&duplicate), &duplicate)? {
        Kind::Object => Ok(text),
        Kind::Other => Err(JsonError::NotAnObject),
    }
}

fn read<'de, S: DeserializeSeed<'de>>(
    text: &'de str,
    seed: S,
    duplicate: &Cell<bool>,
) -> Result<S::Value, JsonError> {
    let mut reader = serde_json::Deserializer::from_str(text);
    match seed.deserialize(&mut reader) {
        Ok(value) => reader
            .end()
            .map(|()| value)
            .map_err(|_| JsonError::Malformed),
        Err(_) if duplicate.get() => Err(JsonError::DuplicateMember),
        Err(_) => Err(JsonError::Malformed),
    }
}

/// Reads one JSON object.
pub fn parse_object(bytes: &[u8]) -> Result<Map<String, Value>, JsonError> {
    if let Value::Object(members) = parse(bytes)? {
        Ok(members)
    } else {
        Err(JsonError::NotAnObject)
    }
}

/// Builds a `Value` and notes in the cell when it gives up because of a duplicate.
#[derive(Clone, Copy)]
struct Strict<'a>(&'a Cell<bool>);

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("not finite"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(self)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = access.next_key::<String>()? {
            let value = access.next_value_seed(self)?;
            if members.insert(name, value).is_some() {
                self.0.set(true);
                return Err(A::Error::custom("duplicate member"));
            }
        }
        Ok(Value::Object(members))
    }
}

/// Reads a value and keeps nothing of it; notes in the cell when it gives up because of a duplicate.
#[derive(Clone, Copy)]
struct Check<'a>(&'a Cell<bool>);

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Object,
    Other,
}

impl<'de> DeserializeSeed<'de> for Check<'_> {
    type Value = Kind;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Kind, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Check<'_> {
    type Value = Kind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Kind, E> {
        Ok(Kind::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Kind, E> {
        Ok(Kind::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Kind, E> {
        Ok(Kind::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Kind, E> {
        Ok(Kind::Other)
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Kind, E> {
        if value.is_finite() {
            Ok(Kind::Other)
        } else {
            Err(E::custom("not finite"))
        }
    }

    fn visit_str<E>(self, _: &str) -> Result<Kind, E> {
        Ok(Kind::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Kind, A::Error> {
        while access.next_element_seed(self)?.is_some() {}
        Ok(Kind::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Kind, A::Error> {
        let mut names = Vec::with_capacity(16);
        while let Some(name) = access.next_key_seed(Name)? {
            names.push(name);
            access.next_value_seed(self)?;
        }
        // Sorted, equal names are neighbours, and many names from outside take no square of time.
        names.sort_unstable();
        if names.windows(2).any(|two| two.first() == two.last()) {
            self.0.set(true);
            return Err(A::Error::custom("duplicate member"));
        }
        Ok(Kind::Object)
    }
}

/// Reads the name of a member; one without escapes is not copied.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Cow<'de, str>, D::Error> {
        reader.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E>(self, name: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn s_119_duplicate_members_are_refused_at_every_level() {
        for text in [
            r#"{"sub":"a","sub":"b"}"#,
            r#"{"sub":"a","sub":"a"}"#,
            r#"{"sub":"a","\u0073ub":"b"}"#,
            r#"{"cnf":{"jkt":"a","jkt":"b"}}"#,
            r#"{"list":[1,{"a":1,"a":2}]}"#,
        ] {
            assert_eq!(
                parse(text.as_bytes()),
                Err(JsonError::DuplicateMember),
                "{text}"
            );
            assert_eq!(
                check_object(text.as_bytes()),
                Err(JsonError::DuplicateMember),
                "{text}"
            );
        }
        assert!(parse(br#"{"a":{"x":1},"b":{"x":1}}"#).is_ok());
        assert!(check_object(br#"{"a":{"x":1},"b":{"x":1}}"#).is_ok());
    }

    #[test]
    fn s_119_bytes_that_are_not_utf_8_are_refused() {
        assert_eq!(parse(b"{\"sub\":\"\xff\"}"), Err(JsonError::NotUtf8));
        assert_eq!(parse(br#"{"sub":"\ud800"}"#), Err(JsonError::Malformed));
    }

    #[test]
    fn s_119_trailing_text_deep_nesting_and_numbers_past_a_double_are_refused() {
        let deep = "[".repeat(200) + &"]".repeat(200);
        for text in [
            "{}x",
            "{}{}",
            "",
            "1e400",
            "NaN",
            "{\"a\":1,}",
            "'a'",
            deep.as_str(),
        ] {
            assert_eq!(parse(text.as_bytes()), Err(JsonError::Malformed), "{text}");
            let checked = check_object(text.as_bytes());
            assert_eq!(checked, Err(JsonError::Malformed), "{text}");
        }
        assert_eq!(parse_object(b"[]"), Err(JsonError::NotAnObject));
    }

    /// JSON or nearly so, also with names that stand twice.
    fn json_like() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("null".to_owned()),
            Just("-0.5e3".to_owned()),
            Just("1e999".to_owned()),
            Just("18446744073709551616".to_owned()),
            Just("\"\\u0061\"".to_owned()),
            Just("\"\\ud800\"".to_owned()),
            Just("nul".to_owned()),
            any::<i64>().prop_map(|number| number.to_string()),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            let name = prop_oneof![Just("a"), Just("\\u0061"), Just("b"), Just("c")];
            let member =
                (name, inner.clone()).prop_map(|(name, value)| format!("\"{name}\":{value}"));
            prop_oneof![
                proptest::collection::vec(inner, 0..3)
                    .prop_map(|all| format!("[{}]", all.join(","))),
                proptest::collection::vec(member, 0..4)
                    .prop_map(|all| format!("{{{}}}", all.join(","))),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let _ = parse(&bytes).is_ok();
        }

        #[test]
        fn s_119_what_is_only_looked_at_is_judged_as_what_is_kept(text in json_like()) {
            let bytes = text.as_bytes();
            match (parse_object(bytes), check_object(bytes)) {
                (Ok(members), Ok(same)) => {
                    prop_assert_eq!(same, &text);
                    let read: Value = read_object(bytes).unwrap();
                    prop_assert_eq!(read, Value::Object(members));
                }
                // A name may stand twice before what is malformed: either is said.
                (Err(kept), Err(looked)) => prop_assert!(
                    kept == looked || kept == JsonError::DuplicateMember,
                    "{:?} {:?}", kept, looked
                ),
                (kept, looked) => prop_assert!(false, "{:?} {:?}", kept, looked),
            }
        }

        #[test]
        fn an_object_of_distinct_names_reads_as_serde_reads_it(
            members in proptest::collection::btree_map(".{0,8}", any::<(i64, String, bool)>(), 0..6),
        ) {
            let text = serde_json::to_string(&members).unwrap();
            prop_assert_eq!(parse(text.as_bytes()), Ok(serde_json::from_str(&text).unwrap()));
        }
    }
}
