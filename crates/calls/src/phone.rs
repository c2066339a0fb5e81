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
    // The library would read a number by where it is cut.
    let international = international.map(|written| digits(&written).map_or(written, |digits| format!("+{digits}")));
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
            digits(&written).filter(|digits| (7..=15).contains(&digits.len())).map(|digits| format!("+{digits}"))
        }
        (None, None) => None,
    }
}

/// Those after the `+`, where there is nothing but them and what people set between them.
fn digits(written: &str) -> Option<String> {
    let rest = written.strip_prefix('+')?;
    let plain = rest.chars().all(|c| c.is_ascii_digit() || " -./()".contains(c));
    plain.then(|| rest.chars().filter(char::is_ascii_digit).collect())
}

/// Whether it is the ISO code of a country that has numbers.
pub fn is_region(code: &str) -> bool {
    code.parse::<country::Id>().is_ok()
}

#[cfg(test)]
#[path = "phone_tests.rs"]
mod tests;
