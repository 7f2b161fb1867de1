//! `login.registration = "invite"` and `"off"`: who makes no account, and with which links.

use hallpass_protocol::Secret;
use hallpass_server::accounts::{NewAccount, Purpose, Role};
use hallpass_testing::{Answer, Person, TestServer};

use super::steps::PASSWORD;
use crate::accounts::{self, is_in, log_in};
use crate::languages::{mailbox, next_mail};

fn ada() -> NewAccount {
    NewAccount {
        username: "ada".to_owned(),
        email: Some("ada@example.com".to_owned()),
        display_name: None,
        role: Role::User,
        locale: None,
    }
}

async fn link_to(server: &TestServer, name: &str, purpose: Purpose) -> String {
    let account = server.accounts().find(name).await.unwrap();
    let link = server.accounts().new_link(&account.id, purpose).await;
    format!("/login/password?link={}", link.unwrap().token.expose())
}

async fn choose(person: &Person, page: &Answer) -> Answer {
    let fields = [("password", PASSWORD), ("repeated", PASSWORD)];
    person.submit(page, &fields).await
}

#[tokio::test]
async fn without_open_nobody_makes_an_account_by_themselves() {
    let (_folder, mail) = mailbox();
    for registration in ["off", "invite"] {
        let toml = format!("{mail}[login]\nregistration = \"{registration}\"\n");
        let server = TestServer::production(&toml).await;
        let person = server.person();
        let page = person.open("/login").await;
        assert!(!page.body.contains("Create an account"), "{registration}");
        assert_eq!(person.open("/login/sign-up").await.status, 404);
        let csrf = hallpass_testing::person::forms(&page.body)[0].hidden[0]
            .1
            .clone();
        for path in ["/login/sign-up", "/login/create-account"] {
            let fields = [
                ("csrf", csrf.as_str()),
                ("email", "ada@example.com"),
                ("link", "hpl_x"),
                ("password", PASSWORD),
                ("repeated", PASSWORD),
            ];
            let request = person.http().post(server.url(path)).form(&fields);
            let status = person.send(request).await.status;
            assert!(
                [404, 410].contains(&status),
                "{registration} {path}: {status}"
            );
        }
        let dead = person.open("/login/create-account?link=hpl_x").await;
        assert_eq!(dead.status, 410);
        assert!(!dead.body.contains("/login/sign-up"), "{}", dead.body);
        assert!(server.accounts().list("", 9).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn where_registration_is_off_no_link_sets_a_first_password() {
    let server = TestServer::production("[login]\nregistration = \"off\"\n").await;
    let person = server.person();
    server.accounts().create(ada()).await.unwrap();
    for purpose in [Purpose::Invitation, Purpose::Reset] {
        let link = link_to(&server, "ada", purpose).await;
        assert_eq!(person.open(&link).await.status, 410, "{purpose:?}");
    }
    // A new one in place of a forgotten one is another thing.
    server.person_with_account("bob", accounts::PASSWORD).await;
    let link = link_to(&server, "bob", Purpose::Reset).await;
    let page = person.open(&link).await;
    assert_eq!(choose(&person, &page).await.status, 200);
    assert!(is_in(&log_in(&person, "bob", PASSWORD).await));
    // So is the operator's.
    let password = Secret::new(accounts::PASSWORD.to_owned());
    server
        .accounts()
        .set_password("ada", password)
        .await
        .unwrap();
    assert!(is_in(
        &log_in(&server.person(), "ada", accounts::PASSWORD).await
    ));
}

#[tokio::test]
async fn where_registration_is_off_neither_invitations_nor_their_like_are_sent() {
    let (folder, mail) = mailbox();
    let toml = format!("{mail}[login]\nregistration = \"off\"\n");
    let server = TestServer::production(&toml).await;
    // It waits in the outbox since before the setting was changed.
    server.accounts().invite(ada()).await.unwrap();
    let ask = async |name: &str| {
        server.advance(1);
        let person = server.person();
        let page = person.open("/login/recover").await;
        let answer = person.submit(&page, &[("username", name)]).await;
        assert_eq!(answer.status, 200);
    };
    ask("ada").await;
    server.person_with_account("bob", accounts::PASSWORD).await;
    ask("bob").await;
    let first = next_mail(&folder).await;
    assert!(first.contains("To: bob@example.com"), "{first}");
    assert!(super::mails_that_came(&folder).await.is_empty());
}
