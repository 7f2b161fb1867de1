//! What somebody with the database, but without the key, can do to a chain, and how it shows.

use hallpass_protocol::random::SystemRandom;
use hallpass_protocol::{AuthorizationId, ClientId, Secret, Timestamp, UserId};

use super::*;

fn now() -> Timestamp {
    Timestamp::from_unix_seconds(1_700_000_000)
}

fn key() -> AuditKey {
    AuditKey::from_seed(&Secret::new([7; 32])).unwrap()
}

fn node() -> NodeId {
    NodeId::from_bytes([3; 16])
}

fn entry(number: u32) -> Entry {
    Entry::new(Event::LoginSuccess, now())
        .by_subject(&UserId::new(format!("person-{number}")))
        .with_client(&ClientId::new("cli"))
        .with_sid(AuthorizationId::from_bytes([9; 16]))
        .from_place("192.0.2.7".parse().unwrap(), Some("curl/8"))
        .with_reference("8F3K-22QX")
        .with("method", "password")
        .with("number", number)
}

/// A chain of so many records, with its signed end.
fn chain(length: u32) -> (Chain, Vec<Record>) {
    let mut head = Head::start(node(), now());
    let link = |number| head.link(entry(number).veil(&SystemRandom));
    let records: Vec<Record> = (1..=length).map(link).collect();
    let chain = Chain {
        head: key().sign_head(head),
        floor: None,
        last: records.last().map(|record| record.seq),
    };
    (chain, records)
}

fn verify(chain: &Chain, records: &[Record], anchors: &[Head]) -> Result<(), Finding> {
    let mut walk = Walk::begin(chain, &key().public(), anchors)?;
    for record in records {
        walk.step(record)?;
    }
    walk.finish()
}

#[test]
fn a_chain_that_nobody_touched_holds() {
    for length in [0, 1, 5] {
        let (chain, records) = chain(length);
        assert_eq!(verify(&chain, &records, &[chain.head.value]), Ok(()));
    }
}

#[test]
fn every_field_of_a_record_is_under_its_hash() {
    let (chain, records) = chain(3);
    let changes: &[fn(&mut Record)] = &[
        |record| record.content.at = record.content.at + std::time::Duration::from_millis(1),
        |record| record.content.event = "logout".to_owned(),
        |record| record.content.outcome = "failure".to_owned(),
        |record| record.content.client = None,
        |record| record.content.client = Some(String::new()),
        |record| record.content.sid = Some(AuthorizationId::from_bytes([8; 16])),
        |record| record.content.reference = Some("8F3K-22QY".to_owned()),
        |record| record.content.detail = Some("{}".to_owned()),
        |record| record.content.detail = None,
        |record| record.content.actor = None,
        |record| record.content.subject = record.content.actor.clone(),
        |record| record.content.ip = None,
        |record| record.content.user_agent = record.content.ip.clone(),
        |record| record.hash[0] ^= 1,
        |record| {
            let shown = &mut record.content.ip.as_mut().unwrap().shown;
            shown.as_mut().unwrap().0 = "203.0.113.9".to_owned();
        },
        |record| {
            let shown = &mut record.content.subject.as_mut().unwrap().shown;
            shown.as_mut().unwrap().1 = [0; 16];
        },
        |record| record.content.actor.as_mut().unwrap().hash = [0; 32],
        |record| {
            // A value that was never there, under a salt of the forger's own.
            let forged = entry(66).veil(&SystemRandom);
            record.content.user_agent = forged.user_agent;
        },
    ];
    for (index, change) in changes.iter().enumerate() {
        let mut records = records.clone();
        change(&mut records[1]);
        let found = verify(&chain, &records, &[]);
        let expected = Finding::Changed {
            node: node(),
            seq: 2,
        };
        assert_eq!(found, Err(expected), "change {index}");
    }
}

#[test]
fn two_fields_never_run_into_each_other() {
    let content = entry(1).veil(&SystemRandom);
    let hash = |change: fn(&mut Unlinked)| {
        let mut content = content.clone();
        change(&mut content);
        content.hash(&node(), 1, &[0; 32])
    };
    let one = hash(|content| {
        content.event = "ab".to_owned();
        content.outcome = "c".to_owned();
    });
    let other = hash(|content| {
        content.event = "a".to_owned();
        content.outcome = "bc".to_owned();
    });
    assert_ne!(one, other);
    let none = hash(|content| content.client = None);
    assert_ne!(none, hash(|content| content.client = Some(String::new())));
}

#[test]
fn a_record_that_is_missing_moved_or_added_shows() {
    let (chain, records) = chain(4);
    let out_of_line = |seq| Err(Finding::OutOfLine { node: node(), seq });
    let mut missing = records.clone();
    missing.remove(1);
    assert_eq!(verify(&chain, &missing, &[]), out_of_line(3));
    assert_eq!(verify(&chain, &records[1..], &[]), out_of_line(2));
    let mut swapped = records.clone();
    swapped.swap(1, 2);
    assert_eq!(verify(&chain, &swapped, &[]), out_of_line(3));
    let mut head = chain.head.value;
    let mut added = records.clone();
    added.push(head.link(entry(5).veil(&SystemRandom)));
    let unsigned = Err(Finding::Unsigned {
        node: node(),
        seq: 5,
    });
    assert_eq!(verify(&chain, &added, &[]), unsigned);
    // Whoever asks only for what the end names still hears of it.
    let told = Chain {
        last: Some(5),
        ..chain
    };
    assert_eq!(verify(&told, &records, &[]), unsigned);
}

#[test]
fn a_118_a_cut_tail_shows_by_the_signed_end_and_by_an_anchor() {
    let (chain, records) = chain(4);
    let cut = |last, signed| {
        let node = node();
        Err(Finding::Cut { node, last, signed })
    };
    assert_eq!(verify(&chain, &records[..2], &[]), cut(2, 4));
    assert_eq!(verify(&chain, &[], &[]), cut(0, 4));
    // The thief puts back an older end, which the server signed indeed: only an anchor tells.
    let mut older = Head::start(node(), now());
    (older.seq, older.hash) = (records[1].seq, records[1].hash);
    let older = Chain {
        head: key().sign_head(older),
        floor: None,
        last: Some(2),
    };
    assert_eq!(verify(&older, &records[..2], &[]), Ok(()));
    assert_eq!(
        verify(&older, &records[..2], &[chain.head.value]),
        cut(2, 4)
    );
}

#[test]
fn a_118_a_chain_that_was_written_anew_shows_even_if_the_key_was_stolen() {
    let (chain, _) = chain(4);
    let mut head = Head::start(node(), now());
    let forged: Vec<Record> = (11..=14)
        .map(|number| head.link(entry(number).veil(&SystemRandom)))
        .collect();
    let thief = AuditKey::from_seed(&Secret::new([8; 32])).unwrap();
    let without_key = Chain {
        head: thief.sign_head(head),
        floor: None,
        last: Some(4),
    };
    let bad = Err(Finding::BadHead { node: node() });
    assert_eq!(verify(&without_key, &forged, &[]), bad);
    let old_signature = Chain {
        head: Signed {
            value: head,
            signature: chain.head.signature,
        },
        ..without_key
    };
    assert_eq!(verify(&old_signature, &forged, &[]), bad);
    assert_eq!(
        verify(&chain, &forged, &[]),
        bad,
        "the old end, new records"
    );
    let with_key = Chain {
        head: key().sign_head(head),
        ..old_signature
    };
    assert_eq!(verify(&with_key, &forged, &[]), Ok(()));
    let anchored = Err(Finding::NotAnchored {
        node: node(),
        seq: 4,
    });
    assert_eq!(verify(&with_key, &forged, &[chain.head.value]), anchored);
}

#[test]
fn old_records_go_only_with_the_servers_word() {
    let (mut chain, records) = chain(5);
    let floor = Floor {
        node: node(),
        seq: 2,
        hash: records[1].hash,
    };
    chain.floor = Some(key().sign_floor(floor));
    assert_eq!(verify(&chain, &records[2..], &[chain.head.value]), Ok(()));
    // An anchor from before says nothing any more, one at the joint does.
    let mut anchor = Head::start(node(), now());
    anchor.seq = 1;
    assert_eq!(verify(&chain, &records[2..], &[anchor]), Ok(()));
    anchor.seq = 2;
    assert!(verify(&chain, &records[2..], &[anchor]).is_err());
    let bad = Err(Finding::BadFloor {
        node: node(),
        seq: 3,
    });
    let mut forged = key().sign_floor(floor);
    (forged.value.seq, forged.value.hash) = (3, records[2].hash);
    chain.floor = Some(forged);
    assert_eq!(verify(&chain, &records[3..], &[]), bad);
    // All of them may go.
    let all = Floor {
        node: node(),
        seq: 5,
        hash: records[4].hash,
    };
    chain.floor = Some(key().sign_floor(all));
    chain.last = None;
    assert_eq!(verify(&chain, &[], &[chain.head.value]), Ok(()));
}

#[test]
fn a_word_about_one_thing_is_no_word_about_another() {
    let (mut chain, records) = chain(2);
    // The signature under an end is none under a beginning, nor for another chain.
    chain.floor = Some(Signed {
        value: Floor {
            node: node(),
            seq: 2,
            hash: records[1].hash,
        },
        signature: chain.head.signature,
    });
    assert!(matches!(
        verify(&chain, &[], &[]),
        Err(Finding::BadFloor { .. })
    ));
    chain.floor = None;
    chain.head.value.node = NodeId::from_bytes([4; 16]);
    assert!(matches!(
        verify(&chain, &records, &[]),
        Err(Finding::BadHead { .. })
    ));
}

#[test]
fn cleared_values_leave_the_chain_whole_and_cannot_be_guessed() {
    let (chain, mut records) = chain(3);
    for record in &mut records {
        let content = &mut record.content;
        for veiled in [
            &mut content.ip,
            &mut content.user_agent,
            &mut content.subject,
        ] {
            veiled.as_mut().unwrap().shown = None;
        }
    }
    assert_eq!(verify(&chain, &records, &[]), Ok(()));
    // The same value twice has two hashes: without the salt nothing can be tried.
    let hashes = [0, 1].map(|index: usize| records[index].content.ip.as_ref().unwrap().hash);
    assert_ne!(hashes[0], hashes[1]);
}

#[test]
fn what_somebody_sent_is_cut_and_cleaned() {
    let long = "x\u{7}\0".repeat(1000);
    let entry = Entry::new(Event::LoginFailure, now())
        .from_place("192.0.2.7".parse().unwrap(), Some(&long))
        .with("why", long.as_str())
        .with_client(&ClientId::new("a\0b"));
    let record = entry.veil(&SystemRandom);
    assert_eq!(record.user_agent.unwrap().value(), Some(&*"x".repeat(256)));
    let detail = format!("{{\"why\":\"{}\"}}", "x".repeat(200));
    assert_eq!(record.detail.as_deref(), Some(&*detail));
    assert_eq!(record.client.as_deref(), Some("ab"));
    assert_eq!(record.outcome, "failure");
    assert!(record.actor.is_none() && record.subject.is_none());
}

#[test]
fn names_are_read_as_they_are_written() {
    for event in Event::ALL {
        assert_eq!(Event::parse(event.as_str()), Some(*event));
        assert!(event.as_str().contains('.') || *event == Event::Logout);
    }
    assert_eq!(Event::parse("login"), None);
    assert_eq!(NodeId::parse(&node().to_string()), Some(node()));
}
