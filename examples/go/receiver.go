// A receiver of Headwater's webhooks on net/http: it checks who sends, takes each event in once, and keeps a table of users.
package main

import (
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"

	_ "github.com/mattn/go-sqlite3"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const schema = `
	CREATE TABLE IF NOT EXISTS events (
		id TEXT PRIMARY KEY, type TEXT NOT NULL, "offset" TEXT, taken_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
	);
	-- A user who was deleted keeps a row without a profile, so that what is older does not bring them back.
	CREATE TABLE IF NOT EXISTS users (user_id TEXT PRIMARY KEY, email TEXT, profile TEXT, time TEXT NOT NULL);`

const noteEvent = `INSERT INTO events (id, type, "offset") VALUES (?, ?, NULLIF(?, '')) ON CONFLICT DO NOTHING`

// Times are in UTC with milliseconds, so they compare as text.
const writeUser = `
	INSERT INTO users (user_id, email, profile, time) VALUES (?, ?, ?, ?)
	ON CONFLICT (user_id) DO UPDATE SET email = excluded.email, profile = excluded.profile, time = excluded.time
	WHERE excluded.time >= users.time`

// An event may have no more than this.
const bodyMax = 2 << 20

type event struct {
	ID   string `json:"id"`
	Type string `json:"type"`
	Time string `json:"time"`
	Data struct {
		Object json.RawMessage `json:"object"`
	} `json:"data"`
}

type receiver struct {
	token    string
	webhook  *standardwebhooks.Webhook
	database *sql.DB
}

// check says why a request is not from the stream, if it is not. The signature is over the body as it came.
func (r *receiver) check(headers http.Header, body []byte) error {
	given := sha256.Sum256([]byte(headers.Get("authorization")))
	expected := sha256.Sum256([]byte("Bearer " + r.token))
	if r.token != "" && subtle.ConstantTimeCompare(given[:], expected[:]) == 0 {
		return errors.New("wrong token")
	}
	if r.webhook != nil {
		return r.webhook.Verify(body, headers)
	}
	return nil
}

// takeIn takes an event in, in one transaction; it says what became of it.
func (r *receiver) takeIn(e event, offset string) (string, error) {
	transaction, err := r.database.Begin()
	if err != nil {
		return "", err
	}
	defer transaction.Rollback() // Nothing is left to roll back after a commit.
	became, err := write(transaction, e, offset)
	if err != nil {
		return "", err
	}
	return became, transaction.Commit()
}

func write(transaction *sql.Tx, e event, offset string) (string, error) {
	if changed, err := changes(transaction.Exec(noteEvent, e.ID, e.Type, offset)); changed == 0 {
		return "duplicate", err
	}
	var profile *string
	switch text := string(e.Data.Object); e.Type {
	case "user.created", "user.updated":
		profile = &text
	case "user.deleted":
	default:
		return "noted", nil
	}
	var user struct {
		UserID string  `json:"user_id"`
		Email  *string `json:"email"`
	}
	if err := json.Unmarshal(e.Data.Object, &user); err != nil {
		return "", err
	}
	if profile == nil {
		user.Email = nil
	}
	changed, err := changes(transaction.Exec(writeUser, user.UserID, user.Email, profile, e.Time))
	if changed == 0 {
		return "stale", err
	}
	return "taken", err
}

func changes(result sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (r *receiver) ServeHTTP(response http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(response, request.Body, bodyMax))
	if err != nil {
		http.Error(response, err.Error(), http.StatusBadRequest)
		return
	}
	if err := r.check(request.Header, body); err != nil {
		fmt.Println("refused:", err)
		response.WriteHeader(http.StatusUnauthorized)
		return
	}
	var e event
	if err := json.Unmarshal(body, &e); err != nil {
		http.Error(response, err.Error(), http.StatusBadRequest)
		return
	}
	became, err := r.takeIn(e, request.Header.Get("headwater-offset"))
	if err != nil {
		log.Print(err)
		http.Error(response, "not stored, send it again", http.StatusInternalServerError)
		return
	}
	fmt.Printf("%s %s: %s\n", e.ID, e.Type, became)
	response.WriteHeader(http.StatusNoContent)
}

func setting(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

func main() {
	r := &receiver{token: os.Getenv("RECEIVER_TOKEN")}
	secret := os.Getenv("RECEIVER_SECRET")
	if r.token == "" && secret == "" {
		log.Fatal("set RECEIVER_TOKEN (the stream's bearer token), RECEIVER_SECRET (of its signing), or both")
	}
	var err error
	if secret != "" {
		if r.webhook, err = standardwebhooks.NewWebhook(secret); err != nil {
			log.Fatal("RECEIVER_SECRET: ", err)
		}
	}
	path := setting("RECEIVER_DATABASE", "receiver.db")
	if r.database, err = sql.Open("sqlite3", "file:"+path+"?_journal_mode=WAL&_busy_timeout=5000&_txlock=immediate"); err != nil {
		log.Fatal(err)
	}
	if _, err = r.database.Exec(schema); err != nil {
		log.Fatal(path, ": ", err)
	}
	address := "127.0.0.1:" + setting("PORT", "3000")
	http.Handle("POST /webhook", r)
	fmt.Printf("listening on http://%s/webhook\n", address)
	log.Fatal(http.ListenAndServe(address, nil))
}
