use super::*;
use crate::row::{Recording, Row, Transaction};

#[test]
fn a_row_is_its_columns_behind_its_tenant() {
    let row = Recording { id: "r".to_owned(), location: Some("ü".to_owned()), ..Recording::default() };
    let bytes = encode("acme", [row].iter(), 0, |_, _| {});
    let mut expected = b"PGCOPY\n\xff\r\n\0".to_vec();
    expected.extend([0; 8]);
    expected.extend([0, Recording::COLUMNS.len() as u8 + 1]);
    expected.extend(b"\0\0\0\x04acme\0\0\0\x01r");
    for column in &Recording::COLUMNS[1..] {
        match column.name {
            "location" => expected.extend(b"\0\0\0\x02\xc3\xbc"),
            _ => expected.extend([255; 4]),
        }
    }
    expected.extend([255; 2]);
    assert_eq!(bytes, expected);
}

#[test]
fn instants_and_days_count_from_2000() {
    let mut out = Vec::new();
    timestamptz(&"2000-01-01T00:00:01Z".parse().unwrap(), &mut out);
    date(&"1999-12-31".parse().unwrap(), &mut out);
    assert_eq!(out, [&[0, 0, 0, 8][..], &1_000_000_i64.to_be_bytes(), &[0, 0, 0, 4], &[255; 4]].concat());
}

#[test]
fn no_rows_are_a_header_and_a_trailer() {
    assert_eq!(encode("acme", std::iter::empty::<&Transaction>(), 0, |_, _| {}).len(), 19 + 2);
}

#[test]
fn decimals_are_groups_of_four_digits_around_the_point() {
    for (text, header, groups) in [
        ("0.0123", [2, 0, 0, 4], vec![0, 123]),
        ("12345.67", [3, 1, 0, 2], vec![1, 2345, 6700]),
        ("-5", [1, 0, 0x4000, 0], vec![5]),
        ("1.5e3", [1, 0, 0, 0], vec![1500]),
        ("25e-3", [1, -1, 0, 3], vec![250]),
    ] {
        let mut out = Vec::new();
        numeric(&Decimal(text.to_owned()), &mut out);
        let words: Vec<i16> = out[4..].chunks(2).map(|w| i16::from_be_bytes([w[0], w[1]])).collect();
        assert_eq!((&words[..4], &words[4..]), (&header[..], &groups[..]), "{text}");
        assert_eq!(out[..4], (out.len() as i32 - 4).to_be_bytes());
    }
}

#[test]
fn what_is_appended_to_a_row_stands_behind_its_columns() {
    let row = Recording { id: "r".to_owned(), ..Recording::default() };
    let plain = encode("acme", [&row].into_iter(), 0, |_, _| {});
    let of = |day| encode("acme", [&row].into_iter(), 1, |_: &Recording, out: &mut _| super::day(day, out));
    let more = of(NaiveDate::from_ymd_opt(2000, 1, 3));
    let (end, columns) = (plain.len() - 2, Recording::COLUMNS.len() as u8);
    assert_eq!((plain[20], more[20]), (columns + 1, columns + 2));
    assert_eq!(more[21..end], plain[21..end]);
    assert_eq!(more[end..], [0, 0, 0, 4, 0, 0, 0, 2, 0xff, 0xff]);
    let unknown = of(None);
    assert_eq!(unknown[end..], [0, 0, 0, 4, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff]);
}
