//! Who guesses passwords waits: row A-76 and its ways around.

use hallpass_testing::TestServer;

use super::steps::{PASSWORD, is_in, log_in, session_of};

#[tokio::test]
async fn a_guesser_is_locked_out_for_a_while_and_a_lock_says_nothing_of_the_name() {
    let server = TestServer::production("").await;
    server.person_with_account("ada", PASSWORD).await;
    for name in ["ada", "nobody"] {
        let guesser = server.person();
        for n in 0..10 {
            let answer = log_in(&guesser, name, "wrong password").await;
            assert_eq!(answer.status, 422, "{name} {n}");
        }
        let locked = log_in(&guesser, name, PASSWORD).await;
        assert_eq!(
            locked.status, 429,
            "{name}: the right password is not looked at either"
        );
        assert_eq!(locked.header("retry-after"), "30");
        assert!(
            locked.body.contains("Try again in a minute"),
            "{}",
            locked.body
        );
        assert_eq!(session_of(&guesser), None);
    }
    server.advance(30);
    let person = server.person();
    assert!(is_in(&log_in(&person, "ada", PASSWORD).await));
    // The success forgave what was before.
    let again = log_in(&server.person(), "ada", "wrong password").await;
    assert_eq!(again.status, 422);
}

#[tokio::test]
async fn strangers_do_not_lock_the_owner_out_of_a_browser_that_signed_in_before() {
    let server = TestServer::production("").await;
    let owner = server.person_with_account("ada", PASSWORD).await;
    assert!(is_in(&log_in(&owner, "ada", PASSWORD).await));
    let stranger = server.person();
    for _ in 0..10 {
        log_in(&stranger, "Ada", "wrong password").await;
    }
    assert_eq!(log_in(&stranger, "ada", PASSWORD).await.status, 429);
    assert!(is_in(&log_in(&owner, "ada", PASSWORD).await));
    // It is a budget, not a way around one; and it is for that name only.
    for _ in 0..10 {
        assert_eq!(log_in(&owner, "ada", "wrong password").await.status, 422);
    }
    assert_eq!(log_in(&owner, "ada", PASSWORD).await.status, 429);
    // A cookie that was changed is a stranger's.
    let known = owner.cookies()["__Host-hp_k"].clone();
    let forged = format!("{}A", &known[..known.len() - 1]);
    server.advance(31);
    for _ in 0..9 {
        log_in(&server.person(), "bob", "wrong password").await;
    }
    let page = server.person().open("/login").await;
    let csrf = &hallpass_testing::person::forms(&page.body)[0].hidden[0].1;
    let cookie = format!(
        "{}; __Host-hp_k={forged}",
        page.header("set-cookie").split(';').next().unwrap()
    );
    let form = [
        ("csrf", csrf.as_str()),
        ("username", "bob"),
        ("password", "wrong password"),
    ];
    let request = server
        .http()
        .post(server.url("/login"))
        .header("cookie", cookie)
        .form(&form);
    assert_eq!(server.send(request).await.status, 422);
    assert_eq!(log_in(&server.person(), "bob", PASSWORD).await.status, 429);
}

#[tokio::test]
async fn an_address_that_tries_many_names_is_locked_out() {
    let server = TestServer::production("[limits]\nlogin_per_ip = \"12/15m\"").await;
    server.person_with_account("ada", PASSWORD).await;
    for n in 0..12 {
        let answer = log_in(&server.person(), &format!("name{n}"), "wrong password").await;
        assert_eq!(answer.status, 422, "{n}");
    }
    assert_eq!(log_in(&server.person(), "ada", PASSWORD).await.status, 429);
    let elsewhere = server.person_at(9);
    assert!(is_in(&log_in(&elsewhere, "ada", PASSWORD).await));
}

#[tokio::test]
async fn tries_at_the_same_time_are_no_way_around_the_budget() {
    let server = TestServer::production("").await;
    server.person_with_account("ada", PASSWORD).await;
    let person = server.person();
    let page = person.open("/login").await;
    let fields = [("username", "ada"), ("password", "wrong password")];
    let tries = (0..14).map(|_| person.submit(&page, &fields));
    let mut tasks = Vec::new();
    for one in tries {
        tasks.push(Box::pin(one));
    }
    let mut refused = Vec::new();
    // All of them are begun before the first ends.
    let mut pending = tasks;
    std::future::poll_fn(|context| {
        pending.retain_mut(|task| match Future::poll(task.as_mut(), context) {
            std::task::Poll::Ready(answer) => {
                refused.push(answer.status);
                false
            }
            std::task::Poll::Pending => true,
        });
        if pending.is_empty() {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    assert_eq!(refused.iter().filter(|status| **status == 422).count(), 10);
    assert_eq!(refused.iter().filter(|status| **status == 429).count(), 4);
}
