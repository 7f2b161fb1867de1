//! What programs and people do at a server that may die at any moment: sign in by pages and device
//! codes, refresh, revoke, and ask again when an answer is lost. Whatever contradicts an earlier
//! answer is a panic.

use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use hallpass_issuer::tokens::refresh_token::RefreshKeys;
use hallpass_testing::person::{APPROVE, REDIRECT_URI, VERIFIER};
use hallpass_testing::{Answer, Person};
use tokio::sync::RwLock;

use crate::dice::Dice;
use crate::history::History;
use crate::production::PASSWORD;

pub(crate) const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const SCOPE: &str = "openid offline_access";
/// Between two tries while nobody answers.
const BREATH: Duration = Duration::from_millis(10);
/// A server that says nothing for so long is as good as dead.
const PATIENCE: Duration = Duration::from_secs(20);

/// What everybody at one server shares.
pub(crate) struct Desk {
    url: String,
    http: reqwest::Client,
    pub(crate) history: History,
    pub(crate) dice: Dice,
    /// Whoever sends a request holds it shared; who holds it alone has quiet.
    pub(crate) door: RwLock<()>,
    /// Nobody begins anything new.
    pub(crate) is_over: AtomicBool,
    /// What must never work again.
    pub(crate) ended: Mutex<Vec<SignedIn>>,
    /// What must work to the end.
    pub(crate) kept: Mutex<Vec<SignedIn>>,
}

/// A program's tokens.
#[derive(Clone)]
pub(crate) struct SignedIn {
    pub(crate) sid: String,
    pub(crate) refresh_token: String,
    pub(crate) access_token: String,
}

/// An answer, and whether an earlier try may have been done without anybody hearing of it.
struct Asked {
    answer: Answer,
    unsure: bool,
}

/// Why there is no answer.
struct Lost {
    may_have_arrived: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    Approve,
    Deny,
}

impl Desk {
    pub(crate) fn new(url: &str, seed: u64) -> Self {
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE);
        Self {
            url: url.to_owned(),
            http: http.build().unwrap(),
            history: History::new(),
            dice: Dice::new(seed),
            door: RwLock::default(),
            is_over: AtomicBool::new(false),
            ended: Mutex::default(),
            kept: Mutex::default(),
        }
    }

    /// Ends a sign-in.
    pub(crate) async fn revoke(&self, mine: &SignedIn) {
        self.history.ask_revocation(&mine.sid);
        let form = [("client_id", "cli"), ("token", &*mine.refresh_token)];
        let asked = self.post("/oauth2/revoke", &form).await;
        assert_eq!(asked.answer.status, 200, "{}", asked.answer.body);
        self.history.answer_revocation(&mine.sid);
    }

    /// A refresh that is asked again until it is answered.
    pub(crate) async fn refresh(&self, mine: &mut SignedIn) {
        self.history.ask_step(&mine.sid);
        let form = refresh_form(&mine.refresh_token);
        let asked = self.post("/oauth2/token", &form).await;
        self.take_step(mine, &[asked]);
    }

    /// Three processes send the same token at once: all are given the same successor.
    pub(crate) async fn refresh_at_once(&self, mine: &mut SignedIn) {
        self.history.ask_step(&mine.sid);
        let form = refresh_form(&mine.refresh_token);
        let post = || self.post("/oauth2/token", &form);
        let (first, second, third) = tokio::join!(post(), post(), post());
        self.take_step(mine, &[first, second, third]);
    }

    fn take_step(&self, mine: &mut SignedIn, asked: &[Asked]) {
        let all = asked.iter().map(|asked| &asked.answer);
        for answer in all.clone() {
            assert_eq!(answer.status, 200, "{}: {}", mine.sid, answer.body);
        }
        let mut next: Vec<_> = all.map(|answer| answer.member("refresh_token")).collect();
        next.dedup();
        assert_eq!(next.len(), 1, "{} has several successors", mine.sid);
        assert_ne!(next[0], mine.refresh_token, "{}", mine.sid);
        mine.access_token = asked[0].answer.member("access_token");
        mine.refresh_token = next.remove(0);
        self.history.answer_step(&mine.sid);
    }

    /// Tries a refresh once; the answer where it is none.
    pub(crate) async fn refresh_once(&self, mine: &mut SignedIn) -> Option<Answer> {
        let form = refresh_form(&mine.refresh_token);
        let answer = self.try_once("/oauth2/token", &form).await;
        if answer.status != 200 {
            return Some(answer);
        }
        self.history.ask_step(&mine.sid);
        mine.refresh_token = answer.member("refresh_token");
        mine.access_token = answer.member("access_token");
        self.history.answer_step(&mine.sid);
        None
    }

    /// Notes a refresh whose answer came by another way.
    pub(crate) fn note_refresh(&self, mine: &mut SignedIn, body: &str) {
        let answer: serde_json::Value = serde_json::from_str(body).unwrap();
        self.history.ask_step(&mine.sid);
        let token = answer["refresh_token"].as_str().unwrap();
        token.clone_into(&mut mine.refresh_token);
        self.history.answer_step(&mine.sid);
    }

    /// Lets a person approve a started device, and gets its tokens.
    pub(crate) async fn approve_and_poll(&self, person: &Person, started: &Answer) -> SignedIn {
        let tokens = self.decide_and_poll(person, started, Decision::Approve);
        tokens.await.unwrap()
    }

    /// Tries to start a device once.
    pub(crate) async fn start_device_once(&self) -> Answer {
        let form = [("client_id", "cli"), ("scope", SCOPE)];
        self.try_once("/oauth2/device_authorization", &form).await
    }

    /// Tries to end a sign-in once.
    pub(crate) async fn revoke_once(&self, mine: &SignedIn) -> Answer {
        let form = [("client_id", "cli"), ("token", &*mine.refresh_token)];
        self.try_once("/oauth2/revoke", &form).await
    }

    /// What userinfo says to a token.
    pub(crate) async fn userinfo_status(&self, mine: &SignedIn) -> u16 {
        let request = self.http.get(format!("{}/oauth2/userinfo", self.url));
        let sent = request.bearer_auth(&mine.access_token).send().await;
        sent.unwrap().status().as_u16()
    }

    async fn try_once(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        let request = self.http.post(format!("{}{path}", self.url)).form(form);
        Answer::read(request.send().await.unwrap()).await
    }

    pub(crate) async fn has_ended(&self, mine: &SignedIn) {
        assert!(!self.is_active(&mine.access_token).await, "{}", mine.sid);
        let form = refresh_form(&mine.refresh_token);
        let refusal = self.post("/oauth2/token", &form).await.answer.refusal();
        assert_eq!(refusal, (400, "invalid_grant".to_owned()), "{}", mine.sid);
    }

    pub(crate) async fn is_active(&self, token: &str) -> bool {
        let request = || {
            let request = self.http.post(format!("{}/oauth2/introspect", self.url));
            let request = request.basic_auth("rs", Some("a secret for a story"));
            request.form(&[("token", token)])
        };
        let answer = self.ask(|| self.send(request())).await.answer;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["active"].as_bool().unwrap()
    }

    /// Somebody tries a secret that is none.
    pub(crate) async fn guess_a_secret(&self) -> Answer {
        let request = self.http.post(format!("{}/oauth2/introspect", self.url));
        let request = request.basic_auth("rs", Some("a guess"));
        self.ask(|| self.send(request.try_clone().unwrap().form(&[("token", "x")])))
            .await
            .answer
    }

    pub(crate) async fn signed_in_person(&self, username: &str) -> Person {
        let person = Person::new(&self.url);
        loop {
            let page = self.ask(|| browse(person.try_open("/login"))).await.answer;
            assert!(page.body.contains("name=\"password\""), "{}", page.body);
            let fields = [("username", username), ("password", PASSWORD)];
            let asked = self.ask(|| browse(person.try_submit(&page, &fields))).await;
            if asked.answer.body.contains("name=\"user_code\"") {
                self.history.note_answer();
                return person;
            }
            // The form was used by a try whose answer was lost.
            assert!(asked.unsure, "{}", asked.answer.body);
        }
    }

    pub(crate) async fn sign_in_by_device_until_done(&self, person: &Person) -> SignedIn {
        loop {
            if let Some(mine) = self.sign_in_by_device(person).await {
                return mine;
            }
        }
    }

    pub(crate) async fn sign_in_by_device(&self, person: &Person) -> Option<SignedIn> {
        let started = self.start_device().await;
        let tokens = self.decide_and_poll(person, &started, Decision::Approve);
        tokens.await
    }

    pub(crate) async fn start_device(&self) -> Answer {
        let form = [("client_id", "cli"), ("scope", SCOPE)];
        let started = self
            .post("/oauth2/device_authorization", &form)
            .await
            .answer;
        assert_eq!(started.status, 200, "{}", started.body);
        self.history.note_answer();
        started
    }

    /// Decides, and lets the program ask for its tokens; `None` when it gets none.
    pub(crate) async fn decide_and_poll(
        &self,
        person: &Person,
        started: &Answer,
        decision: Decision,
    ) -> Option<SignedIn> {
        let device_code = started.member("device_code");
        let form = [
            ("grant_type", DEVICE_CODE),
            ("client_id", "cli"),
            ("device_code", device_code.as_str()),
        ];
        loop {
            let is_decided = self
                .decide(person, &started.member("user_code"), decision)
                .await;
            let asked = self.post("/oauth2/token", &form).await;
            let (status, error) = asked.answer.refusal();
            match (status, error.as_str(), decision) {
                (200, _, Decision::Approve) => return Some(self.begin(&asked.answer)),
                // The code is used up, and its tokens went to nobody.
                (400, "invalid_grant", Decision::Approve) if asked.unsure => {
                    self.history.tally().sign_ins_lost += 1;
                    return None;
                }
                (400, "access_denied", Decision::Deny) => return None,
                // Nobody was told that it is decided, and it is not.
                (400, "authorization_pending" | "slow_down", _) if !is_decided => {}
                _ => panic!("decided: {is_decided}: {}", asked.answer.body),
            }
        }
    }

    /// Types the code in and decides; whether the server said that it is done. The page that says
    /// so may be lost, and then the code is no longer valid.
    async fn decide(&self, person: &Person, user_code: &str, decision: Decision) -> bool {
        let fields = [("user_code", user_code)];
        let entry = self.ask(|| browse(person.try_open("/device"))).await.answer;
        assert!(entry.body.contains("name=\"user_code\""), "{}", entry.body);
        let page = self
            .ask(|| browse(person.try_submit(&entry, &fields)))
            .await
            .answer;
        assert_eq!(
            page.status, 200,
            "not signed in, or no such code: {}",
            page.body
        );
        let (fields, done) = match decision {
            Decision::Approve => (APPROVE, "signed in"),
            Decision::Deny => (&[("action", "deny")][..], "Nothing was shared"),
        };
        let asked = self.ask(|| browse(person.try_submit(&page, fields))).await;
        if asked.answer.status == 200 {
            assert!(asked.answer.body.contains(done), "{}", asked.answer.body);
            self.history.tally().decisions += 1;
            self.history.note_answer();
            return true;
        }
        assert!(
            asked.unsure && asked.answer.status == 422,
            "{}",
            asked.answer.body
        );
        false
    }

    pub(crate) async fn sign_in_by_code(&self, person: &Person) -> Option<SignedIn> {
        let path = Person::authorization_path("cli", SCOPE);
        let path = path.replace("/default/authorize", "/oauth2/authorize");
        let page = self.ask(|| browse(person.try_open(&path))).await.answer;
        assert!(
            page.body.contains("value=\"continue\""),
            "not signed in: {}",
            page.body
        );
        let fields = [("action", "continue")];
        let asked = self.ask(|| browse(person.try_submit(&page, &fields))).await;
        let code = asked.answer.redirect_parameters()["code"].clone();
        self.history.note_answer();
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", "cli"),
            ("code", code.as_str()),
            ("redirect_uri", REDIRECT_URI),
            ("code_verifier", VERIFIER),
        ];
        let asked = self.post("/oauth2/token", &form).await;
        if asked.answer.status != 200 {
            // RFC 6749 §4.1.2: a code counts once, whoever heard the answer.
            assert!(asked.unsure, "{}", asked.answer.body);
            assert_eq!(asked.answer.refusal(), (400, "invalid_grant".to_owned()));
            self.history.tally().sign_ins_lost += 1;
            return None;
        }
        let mine = self.begin(&asked.answer);
        if self.dice.below(8) > 0 {
            return Some(mine);
        }
        // A code that comes back ends what it gave (row S-23), also after a restart.
        self.history.ask_revocation(&mine.sid);
        let again = self.post("/oauth2/token", &form).await.answer;
        assert_eq!(again.refusal(), (400, "invalid_grant".to_owned()));
        self.history.answer_revocation(&mine.sid);
        self.ended.lock().unwrap().push(mine);
        None
    }

    fn begin(&self, answer: &Answer) -> SignedIn {
        let refresh_token = answer.member("refresh_token");
        let named = RefreshKeys::of_ring([]).peek_authorization(&refresh_token);
        let sid = named.expect("a refresh token").to_string();
        self.history.begin(&sid);
        SignedIn {
            sid,
            refresh_token,
            access_token: answer.member("access_token"),
        }
    }

    async fn post(&self, path: &str, form: &[(&str, &str)]) -> Asked {
        let request = || self.http.post(format!("{}{path}", self.url)).form(form);
        self.ask(|| self.send(request())).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Answer, Lost> {
        let sent = request.send().await.map_err(|error| Lost {
            may_have_arrived: !error.is_connect(),
        })?;
        Answer::try_read(sent).await.map_err(|_| Lost {
            may_have_arrived: true,
        })
    }

    /// Asks until somebody answers.
    async fn ask<F: Future<Output = Result<Answer, Lost>>>(
        &self,
        attempt: impl Fn() -> F,
    ) -> Asked {
        let mut unsure = false;
        loop {
            let answered = {
                let _inside = self.door.read().await;
                attempt().await
            };
            match answered {
                Ok(answer) if answer.status == 503 => {
                    is_for_now(&answer);
                    self.history.tally().refused_for_now += 1;
                    // A commit whose answer was lost may have been done.
                    unsure = true;
                }
                Ok(answer) => return Asked { answer, unsure },
                Err(lost) if lost.may_have_arrived => {
                    self.history.tally().lost_answers += 1;
                    unsure = true;
                }
                Err(_) => {}
            }
            tokio::time::sleep(BREATH).await;
        }
    }
}

fn refresh_form(token: &str) -> [(&'static str, &str); 3] {
    [
        ("grant_type", "refresh_token"),
        ("client_id", "cli"),
        ("refresh_token", token),
    ]
}

/// A page is more than one request: any of them may have been lost.
async fn browse(
    answer: impl Future<Output = Result<Answer, reqwest::Error>>,
) -> Result<Answer, Lost> {
    answer.await.map_err(|_| Lost {
        may_have_arrived: true,
    })
}

/// Insists that a server that cannot work now says so, and no more.
fn is_for_now(answer: &Answer) {
    let seconds: Result<u32, _> = answer.header("retry-after").parse();
    assert!(seconds.is_ok(), "no Retry-After: {}", answer.body);
    for never in [
        "invalid_grant",
        "invalid_client",
        "\"active\"",
        "access_denied",
    ] {
        assert!(!answer.body.contains(never), "{}", answer.body);
    }
}
