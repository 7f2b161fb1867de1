package interop

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"
)

const (
	redirectURI = "http://127.0.0.1:8085/callback"
	secret      = "s3cr:et/+%" // characters that RFC 6749 §2.3.1 has escaped in a Basic header
)

const config = `
[device]
interval = "1s"

[refresh]
grace = "0s"

[[client]]
id = "public"
redirect_uris = ["http://127.0.0.1/callback"]
grants = ["authorization_code", "refresh_token", "device_code"]
scopes = ["openid", "profile", "email", "offline_access"]

[[client]]
id = "robot-basic"
type = "confidential"
auth_method = "client_secret_basic"
secret = "s3cr:et/+%"
grants = ["client_credentials"]
scopes = ["api:read"]

[[client]]
id = "robot-post"
type = "confidential"
auth_method = "client_secret_post"
secret = "s3cr:et/+%"
grants = ["client_credentials"]
scopes = ["api:read"]
`

// server is `hallpass serve --dev` as a process of its own.
type server struct {
	url     string
	issuer  string
	command *exec.Cmd
}

var readyLine = regexp.MustCompile(`^Ready: (\S+)  issuer (\S+)\n$`)

// start starts a server and waits for its ready line; it is killed when the test ends.
func start(t *testing.T, toml string, flags ...string) *server {
	t.Helper()
	binary := os.Getenv("HALLPASS")
	if binary == "" {
		binary = "../../target/debug/hallpass"
	}
	binary, err := filepath.Abs(binary)
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	file := filepath.Join(home, "server.toml")
	if err := os.WriteFile(file, []byte(toml), 0o600); err != nil {
		t.Fatal(err)
	}
	words := append([]string{"serve", "--dev", "--port", "0", "--config", file}, flags...)
	command := exec.Command(binary, words...)
	command.Dir = home
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "HALLPASS_HOME=" + home}
	var log bytes.Buffer
	command.Stderr = &log
	said, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	started := &server{command: command}
	t.Cleanup(started.kill)
	reader := bufio.NewReader(said)
	line, err := reader.ReadString('\n')
	if err != nil {
		started.kill()
		t.Fatalf("no ready line: %v\n%s", err, log.String())
	}
	found := readyLine.FindStringSubmatch(line)
	if found == nil {
		t.Fatalf("no ready line: %q", line)
	}
	started.url, started.issuer = found[1], found[2]
	go func() { _, _ = io.Copy(io.Discard, reader) }()
	return started
}

// kill ends the server as `kill -9` does; it may be gone already.
func (s *server) kill() {
	if s.command.ProcessState == nil {
		_ = s.command.Process.Kill()
		_ = s.command.Wait()
	}
}

// advanceClock moves the server's clock; false where the binary has no control API.
func (s *server) advanceClock(t *testing.T, span string) bool {
	t.Helper()
	body := strings.NewReader(`{"advance":"` + span + `"}`)
	answer, err := http.Post(s.url+"/_hallpass/clock", "application/json", body)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusNotFound && answer.StatusCode/100 != 2 {
		t.Fatalf("the clock: %s", answer.Status)
	}
	return answer.StatusCode != http.StatusNotFound
}

// client is a client as golang.org/x/oauth2 knows it, from the server's own metadata.
func (s *server) client(t *testing.T, id string, scopes ...string) *oauth2.Config {
	t.Helper()
	return &oauth2.Config{
		ClientID:    id,
		Endpoint:    s.provider(t).Endpoint(),
		RedirectURL: redirectURI,
		Scopes:      scopes,
	}
}

// patience only turns what hangs into a failure.
func patience(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}
