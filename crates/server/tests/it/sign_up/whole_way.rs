//! From the sign-in page to a token, by way of the mail.

use hallpass_server::accounts::Role;
use hallpass_testing::person::forms;
use hallpass_testing::{Answer, Person, TestServer};
use serde_json::Value;

use super::steps::{PASSWORD, link_for, open, take_link};
use crate::accounts::{fill_in, is_in, log_in, redeem};
use crate::languages::next_mail;

pub(super) fn authorization() -> String {
    let path = Person::authorization_path("cli", "openid offline_access");
    path.replace("/default/authorize", "/oauth2/authorize")
}

/// Where a link of a page leads.
pub(super) fn href(page: &Answer, label: &str) -> String {
    let found = page.body.split("<a ").find_map(|piece| {
        let (head, rest) = piece.split_once('>')?;
        let (text, _) = rest.split_once("</a>")?;
        let (_, href) = head.split_once("href=\"")?;
        (text == label).then(|| href.split('"').next().unwrap_or_default().to_owned())
    });
    found
        .unwrap_or_else(|| panic!("no link `{label}`: {}", page.body))
        .replace("&#38;", "&")
}

/// Somebody who comes to a sign-in page without an account: the page on which it is made.
async fn leave_for_account(
    person: &Person,
    sign_in: &Answer,
    folder: &tempfile::TempDir,
) -> Answer {
    let page = person.open(&href(sign_in, "Create an account")).await;
    assert!(
        page.body.contains("<h1>Create an account</h1>"),
        "{}",
        page.body
    );
    let sent = person
        .submit(&page, &[("email", " Ada@Example.com ")])
        .await;
    assert!(sent.body.contains("Look into your mail"), "{}", sent.body);
    let mail = next_mail(folder).await;
    assert!(mail.contains("To: Ada@Example.com\r\n") || mail.contains("To: Ada@Example.com\n"));
    assert!(
        mail.contains("Subject: Create your account at Example"),
        "{mail}"
    );
    // The page was in English, whatever the server's own language is.
    assert!(mail.contains("<html lang=3D\"en\">"), "{mail}");
    person.open(&super::link_in(&mail)).await
}

#[tokio::test]
async fn a_newcomer_makes_an_account_and_goes_on_to_the_client() {
    let (folder, server) = open("").await;
    let person = server.person();
    let sign_in = person.open(&authorization()).await;
    let page = leave_for_account(&person, &sign_in, &folder).await;
    assert!(page.body.contains("Ada@Example.com"), "{}", page.body);
    let name = "Ada Lovelace";
    for (display_name, password, repeated, problem) in [
        (name, "short", "short", "at least 12 characters"),
        (
            name,
            "ada@example.com",
            "ada@example.com",
            "not the user name",
        ),
        (name, "aaaaaaaaaaaaaa", "aaaaaaaaaaaaaa", "repeats"),
        (name, PASSWORD, "difference engine one", "differ"),
        (&"x".repeat(129), PASSWORD, PASSWORD, "at most 128"),
        (
            "Ada\u{7}Lovelace",
            PASSWORD,
            PASSWORD,
            "all of them visible",
        ),
    ] {
        let fields = [
            ("display_name", display_name),
            ("password", password),
            ("repeated", repeated),
        ];
        let answer = person.submit(&page, &fields).await;
        assert_eq!(answer.status, 422, "{password}");
        assert!(answer.body.contains(problem), "{problem}: {}", answer.body);
        assert!(!answer.body.contains(&format!("value=\"{password}")));
        assert!(answer.body.contains("value=\"Ada"), "the name is kept");
    }
    let done = take_link(&person, &page, PASSWORD).await;
    assert!(done.body.contains("Your account is made"), "{}", done.body);

    let account = server.accounts().find("ada@example.com").await.unwrap();
    assert_eq!(account.username.as_str(), "Ada@Example.com");
    assert_eq!(account.display_name.as_deref(), Some(name));
    assert!(account.email_verified_at.is_some(), "the mail was read");
    assert_eq!(
        (account.role, account.locale.as_deref()),
        (Role::User, Some("en"))
    );
    assert_eq!(account.last_login_at, None, "nobody is signed in by a link");
    assert!(!person.cookies().contains_key("__Host-hp_s"));

    // The sign-in that was left goes on, in the same browser.
    let next = href(&done, "Sign in");
    assert!(next.starts_with("/oauth2/authorize?"), "{next}");
    assert!(!person.cookies().contains_key("__Host-hp_d"), "it is over");
    let sign_in = person.open(&next).await;
    assert!(sign_in.body.contains("to continue to"), "{}", sign_in.body);
    let answer = fill_in(&person, &sign_in, "ada@example.com", PASSWORD).await;
    let parameters = answer.redirect_parameters();
    assert_eq!(parameters["state"], "st");
    let tokens = redeem(&server, &parameters["code"]).await;
    assert_eq!(tokens.claims("id_token")["sub"], account.id.as_str());

    let records = server.audited_as("user.created").await;
    let [record] = &records[..] else {
        panic!("{records:?}")
    };
    assert_eq!(record["detail"]["origin"], "sign_up");
    let about = |key: &str| record[key].as_str().unwrap_or_default().to_owned();
    assert_eq!(about("subject"), account.id.as_str());
    assert_eq!(about("actor"), format!("user:{}", account.id));
    assert_ne!(record["ip"], Value::Null);
}

#[tokio::test]
async fn a_newcomer_goes_on_to_the_device_whose_code_they_typed() {
    let (folder, server) = open("").await;
    let form = [("client_id", "cli"), ("scope", "openid")];
    let started = server.post("/oauth2/device_authorization", &form).await;
    let person = server.person();
    let page = person.open("/device").await;
    let user_code = started.member("user_code");
    let sign_in = person.submit(&page, &[("user_code", &user_code)]).await;
    let page = leave_for_account(&person, &sign_in, &folder).await;
    let done = take_link(&person, &page, PASSWORD).await;
    let sign_in = person.open(&href(&done, "Sign in")).await;
    let confirm = fill_in(&person, &sign_in, "ada@example.com", PASSWORD).await;
    assert!(
        confirm.body.contains("name=\"confirm\""),
        "{}",
        confirm.body
    );
    // Nothing was approved by the way.
    let poll = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("client_id", "cli"),
        ("device_code", &started.member("device_code")),
    ];
    let pending = server.post("/oauth2/token", &poll).await;
    assert_eq!(pending.refusal().1, "authorization_pending");
}

#[tokio::test]
async fn the_mail_may_be_read_in_another_browser_which_signs_in_there() {
    let (folder, server) = open("").await;
    let person = server.person();
    let sign_in = person.open(&authorization()).await;
    let page = person.open(&href(&sign_in, "Create an account")).await;
    person.submit(&page, &[("email", "ada@example.com")]).await;
    let link = super::link_in(&next_mail(&folder).await);
    let phone = server.person();
    let page = phone.open(&link).await;
    let done = take_link(&phone, &page, PASSWORD).await;
    assert_eq!(href(&done, "Sign in"), "/login");
    assert!(is_in(&log_in(&phone, "ada@example.com", PASSWORD).await));
    // The first browser still shows where it was.
    let answer = fill_in(&person, &sign_in, "ada@example.com", PASSWORD).await;
    assert!(answer.redirect_parameters().contains_key("code"));
}

#[tokio::test]
async fn a_newcomer_sets_up_a_second_factor_where_all_need_one() {
    let (folder, server) = open("[login]\nrequire_mfa = \"all\"\n").await;
    let link = link_for((&folder, &server), "ada@example.com").await;
    let person = server.person();
    let page = person.open(&link).await;
    take_link(&person, &page, PASSWORD).await;
    let next = log_in(&person, "ada@example.com", PASSWORD).await;
    assert!(!is_in(&next));
    assert!(
        next.body.contains("Set up a second factor"),
        "{}",
        next.body
    );
    assert!(!person.cookies().contains_key("__Host-hp_s"));
}

#[tokio::test]
async fn who_gives_no_name_has_none_and_an_odd_address_is_signed_in_with_all_the_same() {
    let (folder, server) = open("").await;
    let link = link_for((&folder, &server), "o'neil@example.com").await;
    let person = server.person();
    let page = person.open(&link).await;
    let fields = [("password", PASSWORD), ("repeated", PASSWORD)];
    let done = person.submit(&page, &fields).await;
    assert!(done.body.contains("Your account is made"), "{}", done.body);
    assert!(is_in(
        &log_in(&person, "O'Neil@example.com", PASSWORD).await
    ));
    let all = server.accounts().list("", 9).await.unwrap();
    let [account] = &all[..] else {
        panic!("{all:?}")
    };
    // Nobody else's address, however much it looks like it.
    assert!(account.username.as_str().starts_with("person-"));
    assert_eq!(account.display_name, None);
}

#[tokio::test]
async fn the_sign_in_page_names_the_way_only_where_there_is_one() {
    let (_folder, server) = open("").await;
    let person = server.person();
    let page = person.open("/login").await;
    assert!(href(&page, "Create an account").starts_with("/login/sign-up?interaction="));
    let page = person.open("/account").await;
    assert!(href(&page, "Create an account").starts_with("/login/sign-up?interaction="));
    // An address that no cookie has room for is not gone on with, and nothing breaks.
    let long = authorization().replace("state=st", &format!("state={}", "x".repeat(2000)));
    let page = person.open(&long).await;
    assert_eq!(href(&page, "Create an account"), "/login/sign-up");
    let dev = TestServer::dev().await;
    for path in ["/login/sign-up", "/login/create-account"] {
        assert_eq!(dev.get(path).await.status, 404, "{path}");
    }
    let page = dev.get("/login").await;
    assert!(!page.body.contains("Create an account"));
    assert_eq!(forms(&page.body).len(), 2);
}
