//! Links that make accounts: used once, by whoever reads the mail, for an address that has no account.

use hallpass_protocol::Secret;
use hallpass_server::accounts::{NewAccount, Purpose, Role};
use hallpass_testing::person::forms;

use super::steps::{PASSWORD, link_for, open, take_link};
use crate::accounts::{self, is_in, log_in};

#[tokio::test]
async fn a_link_is_opened_often_and_used_once() {
    let (folder, server) = open("").await;
    let link = link_for((&folder, &server), "ada@example.com").await;
    // Programs that check mail open links too.
    for _ in 0..3 {
        assert_eq!(server.person().open(&link).await.status, 200);
    }
    let person = server.person();
    let page = person.open(&link).await;
    let hidden = &forms(&page.body)[0].action;
    assert_eq!(
        hidden, "/login/create-account",
        "the link stands in an address twice"
    );
    assert_eq!(take_link(&person, &page, PASSWORD).await.status, 200);
    let again = take_link(&person, &page, "yet another password").await;
    assert_eq!(again.status, 410);
    assert!(
        again.body.contains("This link no longer works"),
        "{}",
        again.body
    );
    assert_eq!(person.open(&link).await.status, 410);
    assert!(is_in(&log_in(&person, "ada@example.com", PASSWORD).await));
    assert_eq!(server.accounts().list("", 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_link_lives_a_day() {
    let (folder, server) = open("").await;
    let link = link_for((&folder, &server), "ada@example.com").await;
    let person = server.person();
    server.advance(24 * 3600 - 1);
    let page = person.open(&link).await;
    assert_eq!(page.status, 200);
    server.advance(1);
    assert_eq!(person.open(&link).await.status, 410);
    let late = take_link(&person, &page, PASSWORD).await;
    assert_eq!(late.status, 410, "the page outlived the link");
    assert!(server.accounts().list("", 9).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_is_no_link_is_dead_and_no_link_passes_for_another() {
    let (folder, server) = open("").await;
    let link = link_for((&folder, &server), "ada@example.com").await;
    let person = server.person_with_account("bob", accounts::PASSWORD).await;
    let (path, token) = link.split_once('=').unwrap();
    let mut altered: Vec<char> = token.chars().collect();
    altered[10] = if altered[10] == 'a' { 'b' } else { 'a' };
    let altered: String = altered.into_iter().collect();
    let bob = server.accounts().find("bob").await.unwrap();
    let reset = server.accounts().new_link(&bob.id, Purpose::Reset).await;
    let reset = reset.unwrap().token;
    for bad in [
        path.to_owned(),
        format!("{path}="),
        format!("{path}=hpl_x"),
        format!("{path}={}", &token[..token.len() - 1]),
        format!("{path}={altered}"),
        format!("{path}={}", token.to_uppercase()),
        format!("{path}={}", reset.expose()),
        format!("/login/password?link={token}"),
    ] {
        assert_eq!(person.open(&bad).await.status, 410, "{bad}");
    }
    let twice = format!("{link}&link={token}");
    assert_eq!(person.open(&twice).await.status, 400);
    // Nor in the form of a good page.
    let page = person.open(&link).await;
    for bad in [altered.as_str(), reset.expose(), ""] {
        let mut form = forms(&page.body).remove(0);
        form.replace(("link".to_owned(), bad.to_owned()));
        let fields = [("password", PASSWORD), ("repeated", PASSWORD)];
        assert_eq!(
            person.submit_form(&form, &fields).await.status,
            410,
            "{bad}"
        );
    }
    // What was typed into a form of our own counts for nothing: the address is the link's.
    let fields = [
        ("password", PASSWORD),
        ("repeated", PASSWORD),
        ("email", "bob@example.com"),
        ("role", "admin"),
    ];
    assert_eq!(person.submit(&page, &fields).await.status, 200);
    let ada = server.accounts().find("ada@example.com").await.unwrap();
    assert_eq!(ada.role, Role::User);
    assert_eq!(ada.email.unwrap().as_str(), "ada@example.com");
}

#[tokio::test]
async fn an_account_that_came_in_between_stays_whose_it_is() {
    let (folder, server) = open("").await;
    let at = (&folder, &server);
    let insert = async |username: &str, email: Option<&str>| {
        let new = NewAccount {
            username: username.to_owned(),
            email: email.map(str::to_owned),
            display_name: None,
            role: Role::Admin,
            locale: None,
        };
        let password = Secret::new(accounts::PASSWORD.to_owned());
        let made = server.accounts().create_with_password(new, password).await;
        made.unwrap()
    };
    // By the address, which its person has not proven, and by the name alone.
    for (username, email, address) in [
        ("ada", Some("Ada@Example.com"), "ada@example.com"),
        ("Grace@example.com", None, "grace@example.com"),
    ] {
        let link = link_for(at, address).await;
        let person = server.person();
        let page = person.open(&link).await;
        assert_eq!(page.status, 200);
        let made = insert(username, email).await;
        assert_eq!(
            take_link(&person, &page, PASSWORD).await.status,
            410,
            "{address}"
        );
        assert_eq!(person.open(&link).await.status, 410);
        let kept = server.accounts().find(username).await.unwrap();
        assert_eq!(kept, made, "nothing of it was changed");
        assert!(!is_in(&log_in(&server.person(), username, PASSWORD).await));
        assert!(!is_in(&log_in(&server.person(), address, PASSWORD).await));
        // A second factor is required of administrators: the password is right.
        let signed_in = log_in(&server.person(), username, accounts::PASSWORD).await;
        assert_eq!(signed_in.status, 200, "{}", signed_in.body);
    }
    assert_eq!(server.accounts().list("", 9).await.unwrap().len(), 2);
}

#[tokio::test]
async fn of_two_links_to_one_address_the_first_that_is_used_makes_the_account() {
    let (folder, server) = open("").await;
    let first = link_for((&folder, &server), "ada@example.com").await;
    server.advance(300);
    let second = link_for((&folder, &server), "ADA@example.com").await;
    assert_ne!(first, second);
    let (one, two) = (server.person(), server.person());
    let (on_first, on_second) = (one.open(&first).await, two.open(&second).await);
    let (one_done, two_done) = tokio::join!(
        take_link(&one, &on_first, "the first new password"),
        take_link(&two, &on_second, "the second new password"),
    );
    let mut statuses = [one_done.status, two_done.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 410]);
    let (winner, loser) = if one_done.status == 200 {
        ("the first new password", "the second new password")
    } else {
        ("the second new password", "the first new password")
    };
    assert!(is_in(
        &log_in(&server.person(), "ada@example.com", winner).await
    ));
    assert!(!is_in(
        &log_in(&server.person(), "ada@example.com", loser).await
    ));
    for link in [first, second] {
        assert_eq!(server.person().open(&link).await.status, 410);
    }
    assert_eq!(server.accounts().list("", 9).await.unwrap().len(), 1);
    assert_eq!(server.audited_as("user.created").await.len(), 1);
}

#[tokio::test]
async fn of_many_that_use_one_link_at_once_one_makes_the_account() {
    let (folder, server) = open("").await;
    let link = link_for((&folder, &server), "ada@example.com").await;
    let mut using = Vec::new();
    for number in 0..4 {
        let person = server.person();
        let page = person.open(&link).await;
        using.push(async move {
            let password = format!("{PASSWORD} {number}");
            take_link(&person, &page, &password).await.status
        });
    }
    let [a, b, c, d]: [_; 4] = using.try_into().ok().unwrap();
    let (a, b, c, d) = tokio::join!(a, b, c, d);
    let mut statuses = [a, b, c, d];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 410, 410, 410]);
    assert_eq!(server.accounts().list("", 9).await.unwrap().len(), 1);
}
