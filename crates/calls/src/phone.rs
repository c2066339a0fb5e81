//! Phone numbers in any notation, to E.164.

use phonenumber::{country, Mode};

/// `+` and digits, or `None` where the text is no number of the world's: a SIP address, or a national number without a
/// `region` (ISO code of its country).
pub fn e164(text: &str, region: Option<&str>) -> Option<String> {
    let text = text.trim();
    if text.contains('@') || text.contains(':') {
        return None;
    }
    let international = match text.strip_prefix("00") {
        Some(rest) => Some(format!("+{rest}")),
        None => text.starts_with('+').then(|| text.to_owned()),
    };
    // The library would strip the region's trunk prefix from a foreign number.
    let region = region.filter(|_| international.is_none()).and_then(|code| code.parse::<country::Id>().ok());
    if international.is_none() && region.is_none() {
        return None;
    }
    let written = international.as_deref().unwrap_or(text);
    let parsed = phonenumber::parse(region, written).ok().filter(phonenumber::is_valid);
    match (parsed, international) {
        (Some(number), _) => Some(number.format().mode(Mode::E164).to_string()),
        // Numbering plans change faster than libraries: what is written internationally is taken at its word.
        (None, Some(written)) => {
            let digits: String = written.chars().filter(char::is_ascii_digit).collect();
            let plain = written.chars().skip(1).all(|c| c.is_ascii_digit() || " -./()".contains(c));
            (plain && (7..=15).contains(&digits.len())).then(|| format!("+{digits}"))
        }
        (None, None) => None,
    }
}

/// Whether it is the ISO code of a country that has numbers.
pub fn is_region(code: &str) -> bool {
    code.parse::<country::Id>().is_ok()
}

#[cfg(test)]
#[path = "phone_tests.rs"]
mod tests;
