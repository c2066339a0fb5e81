use super::*;

#[test]
fn one_number_has_one_form_however_it_is_written() {
    for written in ["+14155552671", "+1 (415) 555-2671", "001 415 555 2671", " +1-415-555-2671 "] {
        assert_eq!(e164(written, None).as_deref(), Some("+14155552671"), "{written}");
    }
    for written in ["(415) 555-2671", "415.555.2671", "1 415 555 2671", "+1 415 555 2671"] {
        assert_eq!(e164(written, Some("US")).as_deref(), Some("+14155552671"), "{written}");
    }
    for written in ["+49 (0)30 234567", "+490-30234567", "0049 30/23 45 67", "+493023-4567"] {
        assert_eq!(e164(written, None).as_deref(), Some("+4930234567"), "{written}");
    }
    for written in ["+44 (0)20 7946 0018", "+4420-79460018"] {
        assert_eq!(e164(written, None).as_deref(), Some("+442079460018"), "{written}");
    }
    assert_eq!(e164("+39 06 698 12345", None).as_deref(), Some("+390669812345"), "an Italian zero stays");
    assert_eq!(e164("0151 23456789", Some("DE")).as_deref(), Some("+4915123456789"));
}

#[test]
fn a_foreign_number_keeps_its_digits_whatever_the_region() {
    assert_eq!(e164("+49 151 23456789", Some("US")).as_deref(), Some("+4915123456789"));
    assert_eq!(e164("+44 20 7946 0018", Some("US")).as_deref(), Some("+442079460018"));
}

#[test]
fn what_no_plan_knows_is_taken_at_its_word_only_where_it_is_international() {
    assert_eq!(e164("+15550100001", Some("US")).as_deref(), Some("+15550100001"));
    assert_eq!(e164("5550100001", Some("US")), None);
    assert_eq!(e164("4155552671", None), None);
}

#[test]
fn what_is_no_number_has_no_form() {
    for written in
        ["", "+", "anonymous", "sip:jo@example.com", "jo@example.com", "12", "+1234567890123456", "+49 (0)30 +234567"]
    {
        assert_eq!(e164(written, Some("US")), None, "{written}");
    }
}
