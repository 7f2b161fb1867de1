//! The second step of a sign-in: rows S-223, A-79, and what a stolen password leads to.

use hallpass_protocol::Secret;
use hallpass_testing::TestServer;
use hallpass_testing::person::forms;
use serde_json::json;

use super::steps::{
    asks_for_code, authorization, enrol, half_way, id_token, is_sign_in, session_of, show_code,
    wrong,
};
use crate::accounts::{PASSWORD, is_in, log_in};
use crate::log_lines::LogLines;

#[tokio::test]
async fn s_223_a_password_and_a_code_sign_in_and_the_tokens_say_so() {
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let (app, _) = enrol(&server, &person, "ada").await;
    let other = server.person();
    let page = other.open(&authorization(&[])).await;
    let fields = [("username", "ada"), ("password", PASSWORD)];
    let page = other.submit(&page, &fields).await;
    assert!(asks_for_code(&page), "{}", page.body);
    assert!(page.body.contains("inputmode=\"numeric\""));
    let before = other.cookies();
    let answer = show_code(&other, &page, &app.code(&server)).await;
    let code = answer.redirect_parameters()["code"].clone();
    let claims = id_token(&server, &code).await;
    assert_eq!(claims["acr"], "mfa");
    assert_eq!(claims["amr"], json!(["pwd", "otp", "mfa"]));
    assert!(!before.contains_key("__Host-hp_s"), "{before:?}");
    assert!(session_of(&other).is_some());
    let account = server.accounts().find("ada").await.unwrap();
    assert!(account.last_login_at.is_some());
    let found = server.accounts().second_factors(&account.id).await.unwrap();
    assert_eq!((found.totp.is_some(), found.recovery_codes), (true, 10));
}

#[tokio::test]
async fn a_password_alone_shows_nothing_and_leads_nowhere() {
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let (app, _) = enrol(&server, &person, "ada").await;
    let (thief, page) = half_way(&server, "ada").await;
    assert!(!page.body.contains("ada@example.com"), "{}", page.body);
    for path in [
        "/account",
        "/account/security",
        "/account/security/totp",
        "/account/password",
        "/account/history",
        &authorization(&[]),
        &authorization(&[("prompt", "consent")]),
    ] {
        let answer = thief.open(path).await;
        assert!(is_sign_in(&answer), "{path}: {}", answer.body);
    }
    let silent = thief.open(&authorization(&[("prompt", "none")])).await;
    assert_eq!(silent.redirect_parameters()["error"], "login_required");
    // What stands in the page holds in this browser alone, for the person whose password it was.
    let form = forms(&page.body)
        .into_iter()
        .find(|form| !form.action.is_empty());
    let form = form.unwrap();
    let other = server.person();
    log_in(&other, "nobody", "x").await;
    let code = app.code(&server);
    let carried = other.submit_form(&form, &[("code", &code)]).await;
    assert_eq!(carried.status, 403);
    server.person_with_account("eve", PASSWORD).await;
    let eve = server.person();
    let eves = log_in(&eve, "eve", PASSWORD).await;
    assert!(is_in(&eves));
    let field = |name: &str| {
        let found = form.hidden.iter().find(|(field, _)| field == name);
        found.unwrap().1.clone()
    };
    let page_of_eve = server.person();
    let login = page_of_eve.open("/login").await;
    let foreign = [
        ("pending", field("pending")),
        ("method", "totp".into()),
        ("code", code.clone()),
    ];
    let foreign: Vec<(&str, &str)> = foreign.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let carried = page_of_eve.submit(&login, &foreign).await;
    assert!(is_sign_in(&carried) && session_of(&page_of_eve).is_none());
    // A changed token is none.
    let mut changed = form.clone();
    for (name, value) in &mut changed.hidden {
        if name == "pending" {
            value.insert(0, 'A');
        }
    }
    let answer = thief.submit_form(&changed, &[("code", &code)]).await;
    assert!(is_sign_in(&answer) && session_of(&thief).is_none());
    // Too late: the code would be right.
    server.advance(600);
    let answer = thief
        .submit_form(&form, &[("code", &app.code(&server))])
        .await;
    assert!(
        answer.body.contains("That took too long"),
        "{}",
        answer.body
    );
    assert!(session_of(&thief).is_none());
}

#[tokio::test]
async fn a_second_step_counts_once_and_ends_with_the_password() {
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let (app, codes) = enrol(&server, &person, "ada").await;
    let (other, page) = half_way(&server, "ada").await;
    let form = forms(&page.body).remove(0);
    assert!(is_in(&show_code(&other, &page, &app.code(&server)).await));
    // Back, with the next code, on a machine that somebody else uses now: no password, no sign-in.
    let first = session_of(&other);
    server.advance(30);
    let again = other
        .submit_form(&form, &[("code", &app.code(&server))])
        .await;
    assert!(is_sign_in(&again), "{}", again.body);
    assert_eq!(session_of(&other), first);
    // A new password makes what waits void.
    let (thief, page) = half_way(&server, "ada").await;
    let new = Secret::new("difference engine two".to_owned());
    server.accounts().set_password("ada", new).await.unwrap();
    let answer = show_code(&thief, &page, &app.code(&server)).await;
    assert!(is_sign_in(&answer) && session_of(&thief).is_none());
    assert_eq!(codes.len(), 10);
}

#[tokio::test]
async fn nobody_learns_who_has_a_second_factor_without_the_password() {
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    enrol(&server, &person, "ada").await;
    server.person_with_account("bob", PASSWORD).await;
    let mut answers = Vec::new();
    for name in ["ada", "bob", "nobody"] {
        let person = server.person();
        let answer = log_in(&person, name, "a wrong password").await;
        let form = forms(&answer.body).remove(0);
        let text = form
            .hidden
            .iter()
            .fold(answer.body.clone(), |text, (_, value)| {
                text.replace(value, "")
            });
        let challenge = text.split("data-options=").next().unwrap().to_owned();
        // As a value: the hash in the name of a file may have these letters, too.
        let typed = format!("\"{name}\"");
        answers.push((answer.status, challenge.replace(&typed, "NAME")));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[1], answers[2]);
}

#[tokio::test]
async fn a_recovery_code_signs_in_once_and_guesses_are_counted() {
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let (app, codes) = enrol(&server, &person, "ada").await;
    let (other, page) = half_way(&server, "ada").await;
    let ways = forms(&page.body);
    let way = ways.iter().find(|form| {
        !form.action.is_empty() && !form.hidden.iter().any(|(name, _)| name == "method")
    });
    let paper = other
        .submit_form(way.unwrap(), &[("way", "recovery_code")])
        .await;
    assert_eq!(paper.status, 200);
    assert!(paper.body.contains("Recovery code"), "{}", paper.body);
    let wrong = show_code(&other, &paper, "00000-00000").await;
    assert_eq!(wrong.status, 422);
    let spelled = codes[3].to_lowercase().replace('-', " ");
    assert!(is_in(&show_code(&other, &wrong, &spelled).await));
    let account = server.accounts().find("ada").await.unwrap();
    let left = server.accounts().second_factors(&account.id).await.unwrap();
    assert_eq!(left.recovery_codes, 9);
    // Again, and somebody else's.
    let eve = server.person_with_account("eve", PASSWORD).await;
    let (_, eves) = enrol(&server, &eve, "eve").await;
    let (thief, page) = half_way(&server, "ada").await;
    let paper = |code: String| {
        let (thief, page) = (&thief, &page);
        async move {
            let mut form = forms(&page.body).remove(0);
            form.hidden.retain(|(name, _)| name != "method");
            let fields = [("method", "recovery_code"), ("code", code.as_str())];
            thief.submit_form(&form, &fields).await
        }
    };
    assert_eq!(paper(codes[3].clone()).await.status, 422);
    assert_eq!(paper(eves[0].clone()).await.status, 422);
    for _ in 0..3 {
        assert_eq!(paper("ABCDE-FGHJK".to_owned()).await.status, 422);
    }
    assert_eq!(paper(codes[4].clone()).await.status, 429);
    let right = show_code(&thief, &page, &app.code(&server)).await;
    assert_eq!(right.status, 429);
}

#[tokio::test]
async fn the_records_say_what_happens_to_factors_and_no_secret() {
    let lines = LogLines::listen();
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let (app, codes) = enrol(&server, &person, "ada").await;
    let account = server.accounts().find("ada").await.unwrap();
    let id = account.id.as_str();
    let (other, page) = half_way(&server, "ada").await;
    let page = show_code(&other, &page, &wrong(&app, &server, 0)).await;
    let code = app.code(&server);
    assert!(is_in(&show_code(&other, &page, &code).await));
    let (other, page) = half_way(&server, "ada").await;
    let mut form = forms(&page.body).remove(0);
    form.hidden.retain(|(name, _)| name != "method");
    let fields = [("method", "recovery_code"), ("code", codes[0].as_str())];
    assert!(is_in(&other.submit_form(&form, &fields).await));
    let page = person.open("/account/security").await;
    person.submit(&page, &[("action", "remove_totp")]).await;
    for event in [
        "mfa.enrolled",
        "mfa.failed",
        "mfa.used",
        "recovery.used",
        "mfa.removed",
    ] {
        assert!(server.has_audited(&[event, id]).await, "{event}");
    }
    assert!(server.has_audited(&["login.success", id]).await);
    let mut text = lines.text();
    for record in server.audited().await {
        text.push_str(&record.to_string());
    }
    let pending = form
        .hidden
        .iter()
        .find(|(name, _)| name == "pending")
        .unwrap();
    for secret in [&app.key, &codes[0], &codes[0].replace('-', ""), &pending.1] {
        assert!(!text.contains(secret.as_str()), "{secret}");
    }
}
