//! What `setup kubectl` writes: a user of its own that asks this program, and the context that uses it.
//!
//! <https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins>

use hallpass_client::clean;
use serde_json::Value;

use super::other_program::OtherProgram;
use super::own_program;
use super::step::{Act, Sign, Step};
use crate::args::ClusterToken;
use crate::commands::Context;
use crate::config::{HelperPlace, nearest};
use crate::failure::Failure;

/// A context of the kubeconfig, and where its cluster is.
pub(super) struct Cluster {
    context: String,
    /// The user that the context has now.
    user: String,
    server: String,
    /// Whether anybody may say that they are the server.
    is_unchecked: bool,
    kubeconfig: Value,
}

impl Cluster {
    /// Finds the context.
    pub(super) fn find(context: &str) -> Result<Self, Failure> {
        let text = KUBECTL.run(&["config", "view", "-o", "json"])?;
        let kubeconfig: Value = serde_json::from_str(&text).map_err(|error| {
            Failure::other("kubectl's answer is not understood").caused_by(&error)
        })?;
        let Some(found) = named(&kubeconfig, "contexts", context) else {
            let shown = clean::text(context);
            let failure = Failure::config(format!("kubectl has no context `{shown}`"));
            return Err(match nearest(context, names(&kubeconfig, "contexts")) {
                Some(meant) => failure.hint_to(format!("did you mean `{}`?", clean::text(meant))),
                None => failure.hint_to("see `kubectl config get-contexts`"),
            });
        };
        let of = |name: &str| {
            text_of(found, &["context", name])
                .unwrap_or_default()
                .to_owned()
        };
        let cluster = named(&kubeconfig, "clusters", &of("cluster"));
        let server = cluster.and_then(|cluster| text_of(cluster, &["cluster", "server"]));
        Ok(Self {
            context: context.to_owned(),
            user: of("user"),
            server: server.unwrap_or_default().to_owned(),
            is_unchecked: cluster
                .and_then(|cluster| cluster.pointer("/cluster/insecure-skip-tls-verify"))
                .is_some_and(|it| it == true),
            kubeconfig,
        })
    }

    /// Where the cluster is.
    pub(super) fn place(&self) -> Result<HelperPlace, Failure> {
        HelperPlace::of_url(&self.server).ok_or_else(|| {
            let server = clean::text(&self.server);
            Failure::config(format!(
                "the cluster is at `{server}`, which is no https address"
            ))
            .hint_to("tokens are sent by https only")
        })
    }

    /// What has to change.
    pub(super) fn steps(
        &self,
        token_type: ClusterToken,
        undo: bool,
        context: &Context,
    ) -> Result<Vec<Step>, Failure> {
        if undo {
            return Ok(self.take_back());
        }
        if self.is_unchecked {
            let text = "the kubeconfig turns off the check of the cluster's certificate";
            return Err(Failure::config(text).hint_to(
                "`kubectl config set-cluster` with --certificate-authority and --insecure-skip-tls-verify=false",
            ));
        }
        let own = self.own_user();
        let command = own_program::path_text(&context.environment)?;
        let mut args = vec!["credential", "kubectl"];
        if token_type != ClusterToken::Id {
            args.extend(["--token-type", token_type.as_str()]);
        }
        let before = named(&self.kubeconfig, "users", &own);
        let exec = before.and_then(|user| user.pointer("/user/exec"));
        if before.is_some() && !exec.is_some_and(is_own) {
            let own = clean::text(&own);
            return Err(
                Failure::config(format!("the kubeconfig has another user `{own}`"))
                    .hint_to(format!("`kubectl config delete-user {own}`, or rename it")),
            );
        }
        let mut steps = Vec::new();
        // Somebody may have given the context another user since.
        let knows_before = |exec: &Value| {
            self.user == own || variable(exec, BEFORE).unwrap_or_default() == self.user
        };
        if !exec.is_some_and(|exec| is_as(exec, &command, &args) && knows_before(exec)) {
            steps.push(self.user_step(&own, &command, &args));
        }
        if self.user != own {
            steps.push(self.context_step(&own));
        }
        Ok(steps)
    }

    fn user_step(&self, own: &str, command: &str, args: &[&str]) -> Step {
        let mut words = vec![
            "config".to_owned(),
            "set-credentials".to_owned(),
            own.to_owned(),
        ];
        words.extend([
            format!("--exec-api-version={VERSION}"),
            format!("--exec-command={command}"),
            "--exec-interactive-mode=Never".to_owned(),
            "--exec-provide-cluster-info=true".to_owned(),
        ]);
        words.extend(args.iter().map(|arg| format!("--exec-arg={arg}")));
        // The user that `--undo` gives back.
        if !self.user.is_empty() && self.user != own {
            words.push(format!("--exec-env={BEFORE}={}", self.user));
        }
        let line = format!("{command} {}", args.join(" "));
        Step::new(
            format!("kubectl config: user {own}"),
            Act::Run(KUBECTL, vec![words]),
        )
        .line(Sign::Comes, line)
    }

    fn context_step(&self, user: &str) -> Step {
        let words = [
            "config",
            "set-context",
            &self.context,
            &format!("--user={user}"),
        ];
        let words = words.map(str::to_owned).to_vec();
        let place = format!("kubectl config: context {}", self.context);
        let mut step = Step::new(place, Act::Run(KUBECTL, vec![words]));
        if !self.user.is_empty() {
            step = step.line(Sign::Goes, format!("user = {}", self.user));
        }
        if !user.is_empty() {
            step = step.line(Sign::Comes, format!("user = {user}"));
        }
        step
    }

    fn take_back(&self) -> Vec<Step> {
        let own = self.own_user();
        let Some(user) = named(&self.kubeconfig, "users", &own) else {
            return Vec::new();
        };
        let Some(exec) = user.pointer("/user/exec").filter(|exec| is_own(exec)) else {
            return Vec::new();
        };
        let mut steps = Vec::new();
        if self.user == own {
            let before = variable(exec, BEFORE).unwrap_or_default();
            // One that is gone meanwhile is no user to give back.
            let before = named(&self.kubeconfig, "users", before).map_or("", |_| before);
            steps.push(self.context_step(before));
        }
        let words = ["config", "delete-user", &own].map(str::to_owned).to_vec();
        let place = format!("kubectl config: user {own}");
        let line = text_of(exec, &["command"]).unwrap_or_default();
        steps.push(Step::new(place, Act::Run(KUBECTL, vec![words])).line(Sign::Goes, line));
        steps
    }

    /// A user for each context: `--undo` of one leaves the others alone.
    fn own_user(&self) -> String {
        format!("hallpass-{}", self.context)
    }
}

/// Whether a plugin is this program, wherever it lay.
fn is_own(exec: &Value) -> bool {
    let args = exec.get("args").and_then(Value::as_array);
    let mut args = args.into_iter().flatten().filter_map(Value::as_str);
    args.next() == Some("credential") && args.next() == Some("kubectl")
}

/// Whether it is set up as it would be now.
fn is_as(exec: &Value, command: &str, args: &[&str]) -> bool {
    let found = exec.get("args").and_then(Value::as_array);
    let found: Vec<_> = found
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    text_of(exec, &["command"]) == Some(command)
        && text_of(exec, &["apiVersion"]) == Some(VERSION)
        && exec.get("provideClusterInfo") == Some(&Value::Bool(true))
        && found == args
}

fn variable<'a>(exec: &'a Value, name: &str) -> Option<&'a str> {
    let variables = exec.get("env")?.as_array()?.iter();
    let mut found = variables.filter(|it| text_of(it, &["name"]) == Some(name));
    text_of(found.next()?, &["value"])
}

/// The member of one of kubeconfig's lists that has this name.
fn named<'a>(kubeconfig: &'a Value, list: &str, name: &str) -> Option<&'a Value> {
    let list = kubeconfig.get(list).and_then(Value::as_array);
    let mut list = list.into_iter().flatten();
    list.find(|entry| text_of(entry, &["name"]) == Some(name))
}

fn names<'a>(kubeconfig: &'a Value, list: &str) -> impl Iterator<Item = &'a str> {
    let list = kubeconfig.get(list).and_then(Value::as_array);
    let list = list.into_iter().flatten();
    list.filter_map(|entry| text_of(entry, &["name"]))
}

fn text_of<'a>(value: &'a Value, path: &[&str]) -> Option<&'a str> {
    path.iter()
        .try_fold(value, |at, name| at.get(name))?
        .as_str()
}

const KUBECTL: OtherProgram = OtherProgram("kubectl");
const VERSION: &str = "client.authentication.k8s.io/v1";
/// kubectl hands it on, and nobody reads it but `--undo`.
const BEFORE: &str = "HALLPASS_KUBECTL_USER_BEFORE";
