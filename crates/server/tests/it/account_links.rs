//! Invitations, forgotten passwords, and the mail that carries the links.

use hallpass_protocol::Secret;
use hallpass_server::accounts::{NewAccount, Purpose, Role};
use hallpass_testing::{Answer, Person, TestServer};

use crate::accounts::{PASSWORD, is_in, log_in};

const NEW: &str = "difference engine two";

async fn link(server: &TestServer, username: &str, purpose: Purpose) -> String {
    let account = server.accounts().find(username).await.unwrap();
    let link = server
        .accounts()
        .new_link(&account.id, purpose)
        .await
        .unwrap();
    format!("/login/password?link={}", link.token.expose())
}

async fn choose(person: &Person, page: &Answer, password: &str) -> Answer {
    let fields = [("password", password), ("repeated", password)];
    person.submit(page, &fields).await
}

async fn invited(server: &TestServer) -> Person {
    let new = NewAccount {
        username: "ada".to_owned(),
        email: Some("ada@example.com".to_owned()),
        display_name: Some("Ada Lovelace".to_owned()),
        role: Role::User,
        locale: None,
    };
    server.accounts().create(new).await.unwrap();
    server.person()
}

#[tokio::test]
async fn an_invitation_leads_to_a_password_once() {
    let server = TestServer::production("").await;
    let person = invited(&server).await;
    let path = link(&server, "ada", Purpose::Invitation).await;
    // Programs that check mail open links too, more than once.
    for _ in 0..3 {
        assert_eq!(server.person().open(&path).await.status, 200);
    }
    let page = person.open(&path).await;
    assert!(page.body.contains("Choose a password"));
    for (password, repeated, problem) in [
        ("short", "short", "at least 12 characters"),
        ("ada@example.com", "ada@example.com", "not the user name"),
        ("aaaaaaaaaaaaaa", "aaaaaaaaaaaaaa", "repeats"),
        (NEW, "difference engine one", "differ"),
    ] {
        let fields = [("password", password), ("repeated", repeated)];
        let answer = person.submit(&page, &fields).await;
        assert_eq!(answer.status, 422, "{password}");
        assert!(answer.body.contains(problem), "{password}: {}", answer.body);
        assert!(
            !answer.body.contains(&format!("value=\"{password}")),
            "{password}"
        );
    }
    let done = choose(&person, &page, NEW).await;
    assert!(done.body.contains("Your password is set"), "{}", done.body);
    assert!(is_in(&log_in(&person, "ada", NEW).await));
    let account = server.accounts().find("ada").await.unwrap();
    assert!(account.email_verified_at.is_some(), "the mail was read");
    // The proven address is a name too.
    assert!(is_in(
        &log_in(&server.person(), "Ada@Example.com", NEW).await
    ));
    let again = choose(&person, &page, "yet another password").await;
    assert_eq!(again.status, 410);
    assert_eq!(person.open(&path).await.status, 410);
}

#[tokio::test]
async fn what_stands_on_the_operators_list_is_no_password() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("passwords.txt");
    std::fs::write(&list, "Difference Engine ONE\r\ncorrect horse battery\n").unwrap();
    let toml = format!("[login]\npassword_blocklist_file = {list:?}\n");
    let server = TestServer::production(&toml).await;
    let person = invited(&server).await;
    let path = link(&server, "ada", Purpose::Invitation).await;
    let page = person.open(&path).await;
    for listed in ["difference engine one", "CORRECT horse battery"] {
        let answer = choose(&person, &page, listed).await;
        assert_eq!(answer.status, 422, "{listed}");
        assert!(answer.body.contains("tried first"), "{}", answer.body);
    }
    let done = choose(&person, &page, NEW).await;
    assert!(done.body.contains("Your password is set"), "{}", done.body);
    // Nor by the operator's own hand.
    let listed = Secret::new("correct horse battery".to_owned());
    let refused = server.accounts().set_password("ada", listed).await;
    assert!(refused.is_err());
    assert!(is_in(&log_in(&person, "ada", NEW).await));
}

#[tokio::test]
async fn a_reset_link_ends_what_was_signed_in_and_every_other_link() {
    let server = TestServer::production("").await;
    let thief = server.person_with_account("ada", PASSWORD).await;
    assert!(is_in(&log_in(&thief, "ada", PASSWORD).await));
    let first = link(&server, "ada", Purpose::Reset).await;
    let second = link(&server, "ada", Purpose::Reset).await;
    let person = server.person();
    let page = person.open(&second).await;
    assert!(
        choose(&person, &page, NEW)
            .await
            .body
            .contains("Your password is set")
    );
    assert!(
        !thief
            .open("/oauth2/logout")
            .await
            .body
            .contains("Signed in as")
    );
    assert_eq!(log_in(&thief, "ada", PASSWORD).await.status, 422);
    assert!(is_in(&log_in(&person, "ada", NEW).await));
    for path in [first, second] {
        assert_eq!(person.open(&path).await.status, 410);
    }
}

#[tokio::test]
async fn a_reset_link_lives_a_quarter_of_an_hour_and_not_with_a_lock() {
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let path = link(&server, "ada", Purpose::Reset).await;
    server.advance(15 * 60 - 1);
    let page = person.open(&path).await;
    assert_eq!(page.status, 200);
    server.advance(1);
    assert_eq!(person.open(&path).await.status, 410);
    assert_eq!(
        choose(&person, &page, NEW).await.status,
        410,
        "the page outlived the link"
    );

    let path = link(&server, "ada", Purpose::Reset).await;
    let page = person.open(&path).await;
    server.accounts().lock("ada").await.unwrap();
    assert_eq!(choose(&person, &page, NEW).await.status, 410);
    server.accounts().unlock("ada").await.unwrap();
    assert_eq!(person.open(&path).await.status, 410, "a lock ends links");
    // A link made after the lock opens nothing either.
    server.accounts().lock("ada").await.unwrap();
    let path = link(&server, "ada", Purpose::Reset).await;
    assert_eq!(person.open(&path).await.status, 410);
}

#[tokio::test]
async fn of_two_that_use_a_link_at_once_one_sets_the_password() {
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let path = link(&server, "ada", Purpose::Reset).await;
    let other = server.person();
    let (mine, theirs) = (person.open(&path).await, other.open(&path).await);
    let (one, two) = tokio::join!(
        choose(&person, &mine, "the first new password"),
        choose(&other, &theirs, "the second new password"),
    );
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 410]);
    let winner = if one.status == 200 {
        "the first new password"
    } else {
        "the second new password"
    };
    assert!(is_in(&log_in(&server.person(), "ada", winner).await));
}

#[tokio::test]
async fn what_is_no_link_is_dead_and_a_form_from_elsewhere_is_refused() {
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let path = link(&server, "ada", Purpose::Reset).await;
    for bad in [
        "/login/password",
        "/login/password?link=",
        "/login/password?link=hpl_x",
        &path[..path.len() - 1],
    ] {
        assert_eq!(person.open(bad).await.status, 410, "{bad}");
    }
    let page = person.open(&path).await;
    let stolen = choose(&server.person(), &page, NEW).await;
    assert_eq!(
        stolen.status, 403,
        "login CSRF: somebody else's link in my browser"
    );
    let hidden = &hallpass_testing::person::forms(&page.body)[0].action;
    assert_eq!(
        hidden, "/login/password",
        "the link stands in an address twice"
    );
}

#[tokio::test]
async fn s_12_recovery_answers_everybody_alike() {
    let server = TestServer::production("").await;
    server.person_with_account("ada", PASSWORD).await;
    let mut bodies = Vec::new();
    let long = "x".repeat(300);
    for name in [
        "ada",
        "nobody",
        "ada@example.com",
        "a@b\r\nBcc: c@d",
        "<b>",
        &long,
    ] {
        let person = server.person();
        let page = person.open("/login/recover").await;
        let answer = person.submit(&page, &[("username", name)]).await;
        assert_eq!(answer.status, 200, "{name}");
        let headers: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
        bodies.push((answer.body, headers));
    }
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]));
    assert!(bodies[0].0.contains("If there is an account"));
    let person = server.person();
    let page = person.open("/login/recover").await;
    assert_eq!(person.submit(&page, &[("username", " ")]).await.status, 422);
    let bare = person
        .http()
        .post(server.url("/login/recover"))
        .form(&[("username", "ada")]);
    assert_eq!(person.send(bare).await.status, 403);
    let page = person.open("/login/recover").await;
    let mut statuses = Vec::new();
    for _ in 0..21 {
        statuses.push(person.submit(&page, &[("username", "ada")]).await.status);
    }
    assert_eq!(statuses.last(), Some(&429));
    let well_known = server.get("/.well-known/change-password").await;
    assert_eq!(
        (well_known.status, well_known.header("location")),
        (303, "/account/password")
    );
}
