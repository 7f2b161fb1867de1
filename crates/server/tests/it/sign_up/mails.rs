//! What the mails say, where their links lead, and how many there are.

use hallpass_testing::TestServer;

use super::steps::{ask, link_for, link_in, mails_before_another, open, take_link};
use crate::accounts::{PASSWORD, is_in, log_in};
use crate::languages::next_mail;

#[tokio::test]
async fn who_has_an_account_is_told_so_and_nobody_else() {
    let (folder, server) = open("").await;
    let ada = server.person_with_account("ada", PASSWORD).await;
    assert!(is_in(&log_in(&ada, "ada", PASSWORD).await));
    ask(&server.person(), "Ada@example.com").await;
    let mail = next_mail(&folder).await;
    // To the address that the account has, as it is spelled there.
    assert!(mail.contains("To: ada@example.com"), "{mail}");
    assert!(
        mail.contains("Subject: You have an account at Example"),
        "{mail}"
    );
    assert!(mail.contains("user name ada") && mail.contains("https://id.example.com/login"));
    assert!(!mail.contains("hpl_"), "no link opens anything: {mail}");
    // Nothing was changed: neither the password nor what is signed in.
    assert!(
        ada.open("/oauth2/logout")
            .await
            .body
            .contains("Signed in as")
    );
    assert!(is_in(&log_in(&server.person(), "ada", PASSWORD).await));
}

#[tokio::test]
async fn a_mailbox_is_not_flooded_whatever_its_address_is_decorated_with() {
    let (folder, server) = open("").await;
    server.person_with_account("ada", PASSWORD).await;
    let mut sent = Vec::new();
    let mut last = 0;
    for round in 0..8 {
        for email in [
            "ada@example.com".to_owned(),
            "ADA@example.com".to_owned(),
            format!("ada+{round}@example.com"),
            "a.d.a@Example.COM".to_owned(),
        ] {
            let n = u8::try_from(round).unwrap() + 10;
            assert_eq!(ask(&server.person_at(n), &email).await.status, 200);
        }
        last += 1;
        let mails = mails_before_another((&folder, &server), &format!("n{last}@example.org")).await;
        sent.push(mails.len());
        server.advance(300);
    }
    assert_eq!(sent, [1, 1, 1, 1, 1, 0, 0, 0], "five a day");
    // The server forgets no budget that still counts, however quiet it is.
    server.advance(3 * 3600);
    server.clean_up().await;
    ask(&server.person(), "ada@example.com").await;
    let mails = mails_before_another((&folder, &server), "still@example.org").await;
    assert_eq!(mails.len(), 0);
    server.advance(24 * 3600);
    ask(&server.person(), "ada@example.com").await;
    let mails = mails_before_another((&folder, &server), "next@example.org").await;
    assert_eq!(mails.len(), 1, "the day is over");
}

#[tokio::test]
async fn a_network_asks_for_so_many_links_of_either_kind() {
    let (_folder, server) = open("").await;
    let person = server.person();
    let mut statuses = Vec::new();
    for n in 0..11 {
        statuses.push(ask(&person, &format!("n{n}@example.com")).await.status);
        let page = person.open("/login/recover").await;
        let answer = person.submit(&page, &[("username", "ada")]).await;
        statuses.push(answer.status);
    }
    assert_eq!(statuses[..20], [200; 20]);
    assert_eq!(statuses[20..], [429; 2]);
    let refused = ask(&person, "nobody@example.com").await;
    assert_eq!(refused.status, 429);
    assert!(refused.header("retry-after").parse::<u64>().unwrap() > 0);
    assert!(refused.body.contains("Too many links"), "{}", refused.body);
    // Another network may, and this one after a quarter of an hour.
    assert_eq!(ask(&server.person_at(7), "m@example.com").await.status, 200);
    server.advance(15 * 60);
    assert_eq!(ask(&person, "nobody@example.com").await.status, 200);
}

#[tokio::test]
async fn links_lead_to_the_configured_address_whatever_a_request_says() {
    let (folder, server) = open("").await;
    let person = server.person();
    let page = person.open("/login/sign-up").await;
    let form = hallpass_testing::person::forms(&page.body)
        .into_iter()
        .find(|form| form.action == "/login/sign-up")
        .unwrap();
    let request = person
        .http()
        .post(server.url("/login/sign-up"))
        .header("host", "evil.test")
        .header("x-forwarded-host", "evil.test")
        .header("forwarded", "host=evil.test")
        .form(&form.fields(&[("email", "ada@example.com")]));
    assert_eq!(person.send(request).await.status, 200);
    let mail = next_mail(&folder).await;
    assert!(!mail.contains("evil.test"), "{mail}");
    link_in(&mail);
}

#[tokio::test]
async fn a_mail_comes_in_the_language_of_its_page_and_so_do_later_ones() {
    let (folder, server) = open("").await;
    for (tag, subject, heading) in [
        ("de", "Erstellen Sie Ihr Konto", "Konto erstellen"),
        ("fr", "compte Example", "Créer un compte"),
        ("es", "Cree su cuenta", "Crear una cuenta"),
    ] {
        let person = server.person();
        let page = person
            .open(&format!("/login/sign-up?ui_locales={tag}"))
            .await;
        assert!(page.body.contains(heading), "{}", page.body);
        // The form has no parameter; the browser says what its person reads.
        let form = hallpass_testing::person::forms(&page.body).remove(0);
        let email = format!("{tag}@example.com");
        let request = person
            .http()
            .post(server.url("/login/sign-up"))
            .header("accept-language", tag)
            .form(&form.fields(&[("email", &email)]));
        assert_eq!(person.send(request).await.status, 200);
        let mail = next_mail(&folder).await;
        assert!(mail.contains(&format!("<html lang=3D\"{tag}\">")), "{mail}");
        assert!(mail.contains(subject), "{mail}");
        let page = person.open(&link_in(&mail)).await;
        let form = hallpass_testing::person::forms(&page.body).remove(0);
        let fields = [("password", super::PASSWORD), ("repeated", super::PASSWORD)];
        let request = person
            .http()
            .post(server.url("/login/create-account"))
            .header("accept-language", tag)
            .form(&form.fields(&fields));
        assert_eq!(person.send(request).await.status, 200);
        let account = server.accounts().find(&email).await.unwrap();
        assert_eq!(account.locale.as_deref(), Some(tag));
    }
}

#[tokio::test]
async fn a_link_whose_mail_did_not_leave_is_dead_and_the_next_attempt_brings_another() {
    let (folder, server) = open("").await;
    let program = folder.path().join("sendmail");
    let good = std::fs::read_to_string(&program).unwrap();
    // It keeps what it was given, and says that it did not work.
    std::fs::write(&program, format!("{good}exit 1\n")).unwrap();
    ask(&server.person(), "ada@example.com").await;
    let lost = link_in(&next_mail(&folder).await);
    std::fs::write(&program, good).unwrap();
    let mut mail = None;
    for _ in 0..200 {
        server.advance(15);
        if let Ok(next) =
            tokio::time::timeout(std::time::Duration::from_millis(100), next_mail(&folder)).await
        {
            mail = Some(next);
            break;
        }
    }
    let link = link_in(&mail.expect("the next attempt"));
    assert_ne!(link, lost);
    assert_eq!(server.person().open(&lost).await.status, 410);
    assert_eq!(server.person().open(&link).await.status, 200);
}

#[tokio::test]
async fn who_left_and_comes_back_is_a_newcomer() {
    let (folder, server) = open("").await;
    let at = (&folder, &server);
    let first = make(at, "ada@example.com").await;
    let person = server.person();
    assert!(is_in(
        &log_in(&person, "ada@example.com", super::PASSWORD).await
    ));
    let page = person.open("/account/delete").await;
    person.submit(&page, &[("name", "ada@example.com")]).await;
    assert!(server.accounts().find("ada@example.com").await.is_err());
    server.advance(300);
    let second = make(at, "ada@example.com").await;
    assert_ne!(first, second, "row S-236: an id is never given again");
}

async fn make(at: (&tempfile::TempDir, &TestServer), email: &str) -> String {
    let link = link_for(at, email).await;
    let person = at.1.person();
    let page = person.open(&link).await;
    let done = take_link(&person, &page, super::PASSWORD).await;
    assert_eq!(done.status, 200, "{}", done.body);
    at.1.accounts().find(email).await.unwrap().id.to_string()
}
