//! Nobody learns from the pages which addresses have an account.

use hallpass_server::accounts::{NewAccount, Role};

use super::steps::{ask, mails_before_another, open};
use crate::accounts::PASSWORD;

#[tokio::test]
async fn s_12_whoever_asks_gets_one_answer_for_every_address() {
    let (folder, server) = open("").await;
    server.person_with_account("ada", PASSWORD).await;
    server.person_with_account("locked", PASSWORD).await;
    server.accounts().lock("locked").await.unwrap();
    let invited = NewAccount {
        username: "grace".to_owned(),
        email: Some("grace@example.com".to_owned()),
        display_name: None,
        role: Role::Admin,
        locale: None,
    };
    server.accounts().create(invited).await.unwrap();
    let long = format!("{}@example.com", "x".repeat(300));
    let mut answers = Vec::new();
    for email in [
        "nobody@example.com",
        "ada@example.com",
        "ADA@EXAMPLE.COM",
        "locked@example.com",
        "grace@example.com",
        // What is no address, for a reader who looks closely.
        "a@b\r\nBcc: c@d.test",
        "a@b.test, c@d.test",
        "a@b.test;c@d.test",
        "Ada <a@b.test>",
        "\"a b\"@b.test",
        "a@b.test%0d%0aBcc:c@d.test",
        "\u{e4}da@example.com",
        "ada@ex\u{e4}mple.com",
        "a@[127.0.0.1]",
        "a@b@c.test",
        "@",
        "<script>@b.test",
        &long,
    ] {
        let answer = ask(&server.person_at(9), email).await;
        assert_eq!(answer.status, 200, "{email:?}: {}", answer.body);
        let mut headers: Vec<String> = Vec::new();
        for (name, value) in &answer.headers {
            let value = value.to_str().unwrap();
            headers.push(if name == "date" {
                name.to_string()
            } else {
                format!("{name}: {value}")
            });
        }
        answers.push((email.to_owned(), answer.body, headers));
    }
    let (_, body, headers) = &answers[0];
    for (email, other, of_other) in &answers {
        assert_eq!((other, of_other), (body, headers), "{email:?}");
    }
    assert!(!body.contains("example.com"), "the address is not shown");
    // Mails went to addresses alone: those of the five that are some, once for each mailbox.
    let mails = mails_before_another((&folder, &server), "last@example.com").await;
    let mut to: Vec<&str> = mails.iter().map(|mail| recipient(mail)).collect();
    to.sort_unstable();
    let four = ["ada", "grace", "locked", "nobody"];
    assert_eq!(to, four.map(|name| format!("{name}@example.com")));
    for mail in &mails {
        let (head, _) = mail
            .split_once("\n\n")
            .or(mail.split_once("\r\n\r\n"))
            .unwrap();
        assert!(!head.contains("Bcc") && !head.contains("d.test"), "{head}");
    }
}

fn recipient(mail: &str) -> &str {
    let mut lines = mail.lines();
    lines
        .find_map(|line| line.strip_prefix("To: "))
        .unwrap_or_default()
        .trim()
}

#[tokio::test]
async fn what_cannot_be_an_address_is_said_at_once() {
    let (_folder, server) = open("").await;
    for typed in ["", " ", "ada", "ada example com"] {
        let answer = ask(&server.person(), typed).await;
        assert_eq!(answer.status, 422, "{typed}");
        assert!(
            answer.body.contains("Enter your e-mail address"),
            "{}",
            answer.body
        );
        assert!(answer.body.contains("aria-invalid=\"true\""));
    }
}
