//! An event's checksum, small enough to hold very many.

use std::fmt;

/// An MD5 as hexadecimal digits, or whatever else the vendor sent there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Checksum(Form);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    Md5(u128),
    Other(Box<str>),
}

impl From<String> for Checksum {
    fn from(text: String) -> Checksum {
        let is_md5 = text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        match u128::from_str_radix(&text, 16) {
            Ok(digits) if is_md5 => Checksum(Form::Md5(digits)),
            _ => Checksum(Form::Other(text.into())),
        }
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Md5(digits) => write!(f, "{digits:032x}"),
            Form::Other(text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_it_was_made_of() {
        for text in [
            "cf44c921a79577858dea5a5b89e9f219",
            "00000000000000000000000000000000",
            "CF44C921A79577858DEA5A5B89E9F219",
            "+f44c921a79577858dea5a5b89e9f219",
            "md5",
            "",
        ] {
            assert_eq!(Checksum::from(text.to_owned()).to_string(), text);
        }
    }
}
