//! Who people are: agents and the persons behind contacts.

use crate::data::{Agent, Contact};
use crate::rng::Rng;

/// Women and men in turns.
const FIRST: [&str; 16] = [
    "Anna", "Jörg", "Sabine", "Thomas", "Katrin", "Uwe", "Petra", "Stefan", "Heike", "Michael", "Ayşe", "Günter",
    "Birgit", "Jürgen", "Claudia", "Matthias",
];
const LAST: [&str; 20] = [
    "Müller",
    "Schmidt",
    "Schneider",
    "Fischer",
    "Weber",
    "Meyer",
    "Wagner",
    "Becker",
    "Schulz",
    "Hoffmann",
    "Schäfer",
    "Koch",
    "Bauer",
    "Richter",
    "Klein",
    "Wolf",
    "Schröder",
    "Neumann",
    "Yılmaz",
    "Größmann",
];
const TRADE: [&str; 8] = [
    "Maschinenbau",
    "Elektrotechnik",
    "Logistik",
    "Bäckerei",
    "Steuerberatung",
    "IT-Systeme",
    "Sanitär & Heizung",
    "\"Die Werkstatt\"",
];
const FORM: [&str; 6] = ["GmbH", "GmbH & Co. KG", "AG", "e.K.", "UG (haftungsbeschränkt)", "KG"];
const TOWN: [(&str, &str); 8] = [
    ("20095", "Hamburg"),
    ("80331", "München"),
    ("01067", "Dresden"),
    ("50667", "Köln"),
    ("60311", "Frankfurt am Main"),
    ("70173", "Stuttgart"),
    ("90402", "Nürnberg"),
    ("97070", "Würzburg"),
];
const NOTE: [&str; 8] = [
    "",
    "",
    "",
    "Rückruf erbeten",
    "AP im Urlaub\nbis Montag",
    "\"nicht vor 10 Uhr\"",
    "Preis: 1.200 € \\ Monat",
    "sehr nett 😊",
];

/// The person behind a contact.
pub struct Person {
    pub first: &'static str,
    pub last: &'static str,
    pub salutation: &'static str,
    pub company: String,
    pub note: &'static str,
    pub street: String,
    pub town: (&'static str, &'static str),
    pub staff: u32,
}

impl Contact {
    pub fn person(&self) -> Person {
        let mut rng = Rng::new(self.face);
        let first = rng.below(FIRST.len() as u64) as usize;
        Person {
            first: FIRST[first],
            last: rng.pick(&LAST),
            salutation: ["Frau", "Herr"][first % 2],
            company: format!("{} {} {}", rng.pick(&LAST), rng.pick(&TRADE), rng.pick(&FORM)),
            note: rng.pick(&NOTE),
            street: format!(
                "{}straße {}",
                rng.pick(&["Haupt", "Bahnhof", "Garten", "Linden", "Schiller"]),
                rng.between(1, 200)
            ),
            town: rng.pick(&TOWN),
            staff: rng.between(1, 900),
        }
    }
}

impl Agent {
    pub fn new(index: u16, rng: &mut Rng) -> Self {
        let index = usize::from(index);
        let (first, last) = (FIRST[index % FIRST.len()], LAST[index * 7 % LAST.len()]);
        let round = index / FIRST.len();
        let login = if round == 0 { format!("{first}.{last}") } else { format!("{first}.{last}{round}") };
        Self { id: rng.id(), first, last, login }
    }
}
