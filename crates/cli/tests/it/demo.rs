//! `hallpass demo`: both flows, for real, without anybody.

use crate::hallpass::Home;

#[test]
fn both_flows_end_with_tokens_and_show_no_secret() {
    let home = Home::new();
    let ran = home.run(&["demo", "--yes"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran}");
    for line in [
        " 1  The program asks the server where everything is\n",
        "POST  /default/device/authorize",
        "The person enters the code, signs in and agrees",
        "You're signed in",
        "The program asks until the person is done",
        "code_challenge_method=S256",
        "sub=ada",
        "Both sign-ins ended with tokens, in ",
    ] {
        assert!(ran.stdout.contains(line), "{line}: {ran}");
    }
    assert_eq!(ran.stdout.matches("Signed in as ada").count(), 2, "{ran}");
    // 24 characters of a secret in a row would be too many.
    for word in ran.stdout.split(|c: char| c.is_whitespace() || c == '=') {
        let is_opaque = word.starts_with("ey") || word.starts_with("hp");
        assert!(!is_opaque || word.chars().count() < 24, "{word}");
    }
    // Nothing is left behind.
    assert!(!home.path("state").exists());
}

#[test]
fn one_flow_for_a_program() {
    let ran = Home::new().run(&["demo", "--browser", "--yes", "--json"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran}");
    let json = ran.json();
    assert_eq!(
        (&json["schema"], &json["ok"]),
        (&"hallpass.demo/1".into(), &true.into())
    );
    assert_eq!(json["flows"][0]["subject"], "ada");
    assert_eq!(json["flows"].as_array().unwrap().len(), 1);
}

#[test]
fn without_a_person_and_without_yes_it_exits_4() {
    let ran = Home::new().run(&["demo"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (4, ""), "{ran}");
    assert!(ran.stderr.contains("`hallpass demo --yes`"), "{ran}");
}
