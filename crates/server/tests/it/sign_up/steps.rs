//! What newcomers do in these tests.

use std::time::Duration;

use hallpass_testing::{Answer, Person, TestServer};

use crate::languages::{mailbox, next_mail};

pub(crate) const PASSWORD: &str = "difference engine two";

/// A server that is open to newcomers, with further settings, and where its mail goes.
pub(crate) async fn open(more: &str) -> (tempfile::TempDir, TestServer) {
    let (folder, mail) = mailbox();
    let mail = mail.replace("language = \"es\"", "language = \"en\"");
    let login = if more.contains("[login]") {
        more.replace("[login]", "[login]\nregistration = \"open\"")
    } else {
        format!("[login]\nregistration = \"open\"\n{more}")
    };
    let server = TestServer::production(&format!("{mail}{login}")).await;
    (folder, server)
}

/// Asks for an account.
pub(crate) async fn ask(person: &Person, email: &str) -> Answer {
    let page = person.open("/login/sign-up").await;
    person.submit(&page, &[("email", email)]).await
}

/// Asks for an account and reads the mail: the path of the link in it.
pub(super) async fn link_for(
    (folder, server): (&tempfile::TempDir, &TestServer),
    email: &str,
) -> String {
    let answer = ask(&server.person(), email).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    link_in(&next_mail(folder).await)
}

/// The path of the link in a mail.
pub(crate) fn link_in(mail: &str) -> String {
    // As it stands in a line of quoted-printable text (RFC 2045 §6.7).
    let mail = mail.replace("=3D", "=");
    let (_, rest) = mail
        .split_once("https://id.example.com/login/create-account?link=")
        .unwrap_or_else(|| panic!("a link: {mail}"));
    let is_of_token = |c: &char| c.is_ascii_alphanumeric() || *c == '_' || *c == '-';
    let token: String = rest.chars().take_while(is_of_token).collect();
    assert!(token.starts_with("hpl_"), "{token}");
    format!("/login/create-account?link={token}")
}

/// Fills in the page of a link.
pub(crate) async fn take_link(person: &Person, page: &Answer, password: &str) -> Answer {
    let fields = [
        ("display_name", "Ada Lovelace"),
        ("password", password),
        ("repeated", password),
    ];
    person.submit(page, &fields).await
}

/// The mails that came already.
pub(crate) async fn mails_that_came(folder: &tempfile::TempDir) -> Vec<String> {
    let mut mails = Vec::new();
    while let Ok(mail) = tokio::time::timeout(Duration::ZERO, next_mail(folder)).await {
        mails.push(mail);
    }
    mails
}

/// Asks for a mail of which it is known that it comes, and takes all that come before it.
pub(super) async fn mails_before_another(
    (folder, server): (&tempfile::TempDir, &TestServer),
    last: &str,
) -> Vec<String> {
    // What is due later is sent later, by the one node that there is.
    server.advance(1);
    ask(&server.person_at(200), last).await;
    let is_last = |mail: &String| mail.contains(&format!("To: {last}"));
    let mut mails = Vec::new();
    while !mails.iter().any(is_last) {
        mails.push(next_mail(folder).await);
    }
    // It was written last; those before it may be read after it.
    mails.extend(mails_that_came(folder).await);
    mails.retain(|mail| !is_last(mail));
    mails
}
