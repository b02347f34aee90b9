package user_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"roster/internal/email"
	"roster/internal/field"
	"roster/internal/rostertest"
	"roster/internal/table"
	"roster/internal/user"
)

var now = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

func TestPasswords(t *testing.T) {
	t.Parallel()
	hash := user.HashPassword("newpassword123")
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=8,t=1,p=1$") || hash == user.HashPassword("newpassword123") {
		t.Errorf("hash %s", hash)
	}
	ada := &user.User{Password: hash}
	for attempt, want := range map[field.Password]bool{
		"newpassword123": true, "newpassword124": false, "Newpassword123": false, "newpassword123 ": false, "": false,
	} {
		if got := ada.CheckPassword(attempt); got != want {
			t.Errorf("%q opens the account: %t", attempt, got)
		}
	}
	var nobody *user.User
	if nobody.CheckPassword("nobody has this password") {
		t.Error("an account that is not there opens")
	}
	// Hashes of other parameters stay valid: those may be raised.
	old := &user.User{Password: "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$"}
	for _, stored := range []string{
		"", "newpassword123", "$argon2id$", old.Password, old.Password[:len(old.Password)-1],
		"$argon2i$v=19$m=64,t=1,p=1$c2FsdA$aGFzaA", "$argon2id$v=19$m=64,t=1,p=1$!$!",
	} {
		u := &user.User{Password: stored}
		if u.CheckPassword("") || u.CheckPassword("newpassword123") {
			t.Errorf("an account with the hash %q opens", stored)
		}
	}
}

func TestVerification(t *testing.T) {
	t.Parallel()
	ada := user.User{ID: "usr_01JD9Z3V4T5W6X7Y8Z9ABCDEFG"}
	old := field.Token(ada.StartVerification(now))
	token := field.Token(ada.StartVerification(now))
	if whose, err := user.VerificationUser(token); err != nil || whose != ada.ID {
		t.Errorf("%s, %v", whose, err)
	}
	var read field.Token
	if err := read.UnmarshalText([]byte(token)); err != nil {
		t.Errorf("a link's token cannot be read: %v", err)
	}
	other := user.User{ID: ada.ID}
	other.StartVerification(now)
	for _, tt := range []struct {
		name  string
		user  *user.User
		token field.Token
		after time.Duration
		want  error
	}{
		{"at once", &ada, token, 0, nil},
		{"the last moment", &ada, token, user.VerificationTTL - 1, nil},
		{"too late", &ada, token, user.VerificationTTL, user.ErrVerify},
		{"the link before", &ada, old, 0, user.ErrVerify},
		{"another's", &other, token, 0, user.ErrVerify},
		{"nobody's", nil, token, 0, user.ErrVerify},
		{"none awaited", &user.User{ID: ada.ID}, token, 0, user.ErrVerify},
		{"cut", &ada, token[:len(token)-1], 0, user.ErrVerify},
		{"empty", &ada, "", 0, user.ErrVerify},
	} {
		if err := tt.user.CheckVerification(tt.token, now.Add(tt.after)); err != tt.want {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	for _, malformed := range []field.Token{"", "rv_", "rv_short", "rr_" + token[3:], "rv_" + field.Token(strings.ToLower(string(token[3:]))), token[:29], "rv_8" + token[4:]} {
		if whose, err := user.VerificationUser(malformed); err != user.ErrVerify || whose != "" {
			t.Errorf("%q is %s's, %v", malformed, whose, err)
		}
	}
}

func TestAnAddressBelongsToOneAccount(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	ada, other := user.New(now, "ada@example.com", "Ada", "newpassword123"), user.New(now, "ada@example.com", "Other", "newpassword123")
	if err := r.Table.Transact(t.Context(), user.Create(ada, user.ErrEmailTaken)...); err != nil {
		t.Fatal(err)
	}
	if err := r.Table.Transact(t.Context(), user.Create(other, user.ErrEmailTaken)...); !errors.Is(err, user.ErrEmailTaken) {
		t.Errorf("%v", err)
	}
	if got, err := user.Get(t.Context(), r.Table, other.ID); err != nil || got != nil {
		t.Errorf("a refused account is there: %+v, %v", got, err)
	}
	for address, want := range map[email.Address]bool{"ada@example.com": true, "eve@example.com": false} {
		got, err := user.ByEmail(t.Context(), r.Table, address)
		if err != nil || (got != nil) != want || want && got.ID != ada.ID {
			t.Errorf("%s: %+v, %v", address, got, err)
		}
	}
	for key := range r.DumpItems(t) {
		if strings.Contains(key.PK+key.SK, "example.com") {
			t.Errorf("an address stands in the key %v", key)
		}
	}
}

func TestSaveRefusesWhatWasReadBeforeAChange(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	ada := user.New(now, "ada@example.com", "Ada", "newpassword123")
	if err := r.Table.Transact(t.Context(), user.Create(ada, user.ErrEmailTaken)...); err != nil {
		t.Fatal(err)
	}
	changed := ada
	changed.Name = "Countess"
	if err := r.Table.Transact(t.Context(), user.Save(changed, now.Add(time.Hour))); err != nil {
		t.Fatal(err)
	}
	if err := r.Table.Transact(t.Context(), user.Save(ada, now)); !errors.Is(err, table.ErrChanged) {
		t.Errorf("%v", err)
	}
	got, err := user.Get(t.Context(), r.Table, ada.ID)
	if err != nil || got.Name != "Countess" || got.Version != 2 || !got.UpdatedAt.Equal(now.Add(time.Hour)) {
		t.Errorf("%+v, %v", got, err)
	}
}

// FuzzVerificationUser: a token that names a user is of the form that Roster makes.
func FuzzVerificationUser(f *testing.F) {
	u := user.User{ID: "usr_01JD9Z3V4T5W6X7Y8Z9ABCDEFG"}
	f.Add(u.StartVerification(time.Now()))
	f.Add("rv_")
	f.Add("rv_8ZZZZZZZZZZZZZZZZZZZZZZZZZx")
	f.Fuzz(func(t *testing.T, token string) {
		holder, err := user.VerificationUser(field.Token(token))
		if err == nil && !strings.HasPrefix(token, "rv_"+strings.TrimPrefix(string(holder), "usr_")) {
			t.Fatalf("%q is of %q", token, holder)
		}
	})
}
