// Package user holds the accounts of people: one address, one account, in any
// number of organizations.
package user

import (
	"context"
	"crypto/subtle"
	"strings"
	"time"

	"roster/internal/email"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/secret"
	"roster/internal/table"
)

var (
	// ErrEmailTaken is the one answer that tells who has an account.
	ErrEmailTaken = fault.New(fault.Conflict, "email_taken", "There is an account with this address.")
	ErrVerify     = fault.New(fault.Unauthenticated, "invalid_verification_token", "The verification link is not valid, or has expired.")
)

// VerificationTTL is how long a verification link works.
const VerificationTTL = 24 * time.Hour

// User is an account.
type User struct {
	ID       id.User       `dynamodbav:"id"`
	Email    email.Address `dynamodbav:"email"`
	Name     field.Name    `dynamodbav:"name"`
	Password string        `dynamodbav:"password"`
	// PasswordLength is how many characters the password has, as far as any
	// organization may ask.
	PasswordLength int `dynamodbav:"password_length,omitempty"`
	// Verified: its holder proved to read the address's mail.
	Verified bool `dynamodbav:"verified"`
	// Platform: administrator of the deployment.
	Platform bool `dynamodbav:"platform,omitempty"`
	// SessionEpoch moves on when the account's sessions are to end: those of an
	// earlier one are dead.
	SessionEpoch int `dynamodbav:"session_epoch,omitempty"`
	// Yielding: what it held before Yield has not all ended yet.
	Yielding bool `dynamodbav:"yielding,omitempty"`
	// LastOrganization is the one to which the next log-in leads.
	LastOrganization id.Organization `dynamodbav:"last_organization,omitempty"`
	// Places are networks where the account was logged in, the newest first.
	Places       []string      `dynamodbav:"places,omitempty"`
	Verification *Verification `dynamodbav:"verification,omitempty"`
	// Resets are the newest links to a new password, the latest first.
	Resets []Reset `dynamodbav:"resets,omitempty"`
	// TwoFactor is nil where it is off.
	TwoFactor      *TwoFactor      `dynamodbav:"two_factor,omitempty"`
	TwoFactorSetup *TwoFactorSetup `dynamodbav:"two_factor_setup,omitempty"`
	CreatedAt      time.Time       `dynamodbav:"created_at"`
	UpdatedAt      time.Time       `dynamodbav:"updated_at"`
	Version        int             `dynamodbav:"version"`
}

// New returns an account whose address is yet to be verified.
func New(now time.Time, address email.Address, name field.Name, password field.Password) User {
	u := User{ID: id.NewUser(now), Email: address, Name: name, CreatedAt: now, UpdatedAt: now, Version: 1}
	u.SetPassword(password)
	return u
}

// Verification is a mailed link that awaits its click.
type Verification struct {
	Digest    []byte    `dynamodbav:"digest"`
	ExpiresAt time.Time `dynamodbav:"expires_at"`
	// Invitation, where set, is accepted with the click: whoever asked for that
	// sent the account's password.
	Invitation *InvitationRef `dynamodbav:"invitation,omitempty"`
	// Asked, where set, was asked for with another password.
	Asked *Asked `dynamodbav:"asked,omitempty"`
}

// Asked is an invitation that is accepted only by who claims the account with the
// password of that hash.
type Asked struct {
	Invitation InvitationRef `dynamodbav:"invitation"`
	Password   string        `dynamodbav:"password"`
}

// InvitationRef names an invitation.
type InvitationRef struct {
	Organization id.Organization `dynamodbav:"organization"`
	ID           id.Invitation   `dynamodbav:"id"`
}

// verificationPrefix begins the token of a verification link: the user's id follows, then a secret.
const verificationPrefix = "rv_"

// StartVerification gives the account a new link's token, replacing the one
// before; the invitations of that one stay.
func (u *User) StartVerification(now time.Time) (token string) {
	token = u.newToken(verificationPrefix)
	var v Verification
	if u.Verification != nil {
		v = *u.Verification
	}
	v.Digest, v.ExpiresAt = secret.Digest(token), now.Add(VerificationTTL)
	u.Verification = &v
	return token
}

// Yield gives an unverified account to who proves its mailbox and chooses a
// password. Of the invitations, the one that was asked for with this password
// stays; and so do links to a new password, until all of it has ended.
func (u *User) Yield(p field.Password) {
	if u.Verification != nil {
		v := *u.Verification
		switch {
		case v.Asked != nil && matches(v.Asked.Password, p):
			v.Invitation = &v.Asked.Invitation
		case v.Invitation != nil && !u.CheckPassword(p):
			v.Invitation = nil
		}
		v.Asked = nil
		u.Verification = &v
	}
	links := u.Resets
	u.ReplacePassword(p)
	u.Resets = links
	u.Yielding, u.LastOrganization, u.Places = true, "", nil
}

// Invitations are those that may be accepted with the account's verification.
func (u *User) Invitations() []InvitationRef {
	var all []InvitationRef
	if v := u.Verification; v != nil {
		if v.Invitation != nil {
			all = append(all, *v.Invitation)
		}
		if v.Asked != nil {
			all = append(all, v.Asked.Invitation)
		}
	}
	return all
}

// VerificationUser returns whose a verification token is.
func VerificationUser(token field.Token) (id.User, error) {
	return tokenUser(verificationPrefix, token, ErrVerify)
}

// newToken returns the token of a link that leads to the account: a prefix, the
// account's ULID and 256 random bits.
func (u *User) newToken(prefix string) string {
	return prefix + string(u.ID[len("usr_"):]) + secret.Token()
}

// tokenUser returns the account to which a token with that prefix leads, or refused.
func tokenUser(prefix string, token field.Token, refused error) (id.User, error) {
	const ulid = 26
	var u id.User
	rest, ok := strings.CutPrefix(string(token), prefix)
	if !ok || len(rest) <= ulid || u.UnmarshalText([]byte("usr_"+rest[:ulid])) != nil {
		return "", refused
	}
	return u, nil
}

// CheckVerification tells whether the token is that of the account's newest link.
func (u *User) CheckVerification(token field.Token, now time.Time) error {
	if u == nil || u.Verification == nil || !now.Before(u.Verification.ExpiresAt) ||
		subtle.ConstantTimeCompare(u.Verification.Digest, secret.Digest(string(token))) != 1 {
		return ErrVerify
	}
	return nil
}

// Holder is the item by which an address belongs to one account.
type Holder struct {
	User id.User `dynamodbav:"user"`
}

// ReadHolder is the reading of an address's holder among other items.
func ReadHolder(e email.Address, into **Holder) table.Read {
	return table.Into(table.Address(string(e)), into)
}

// Unclaimed is the check that nobody has an account with the address; otherwise
// it fails with table.ErrChanged.
func Unclaimed(e email.Address) table.Write {
	return table.Write{Key: table.Address(string(e)), If: table.Absent, Else: table.ErrChanged}
}

// Create is the Writes of a new account and its claim on the address. They fail
// with taken if there is an account with the address.
func Create(u User, taken error) []table.Write {
	return []table.Write{
		{Key: table.Address(string(u.Email)), Put: Holder{u.ID}, If: table.Absent, Else: taken},
		{Key: table.User(u.ID), Put: u, If: table.Absent},
	}
}

// Save is the Write of an account that was read and changed.
func Save(u User, now time.Time) table.Write {
	read := u.Version
	u.Version, u.UpdatedAt = read+1, now
	return table.Write{
		Key: table.User(u.ID), Put: u,
		If: "#version = :read", Values: table.V{"read": read}, Else: table.ErrChanged,
	}
}

// Get reads an account; nil if there is none.
func Get(ctx context.Context, t *table.Table, user id.User) (*User, error) {
	var u *User
	err := t.Get(ctx, Read(user, &u))
	return u, err
}

// Read is the reading of an account among other items.
func Read(user id.User, into **User) table.Read { return table.Into(table.User(user), into) }

// ByEmail reads the account of an address; nil if there is none, which takes as long
// to find out.
func ByEmail(ctx context.Context, t *table.Table, e email.Address) (*User, error) {
	var holder *Holder
	if err := t.Get(ctx, ReadHolder(e, &holder)); err != nil {
		return nil, err
	}
	if holder == nil {
		holder = &Holder{noUser}
	}
	return Get(ctx, t, holder.User)
}

// noUser is an id that no account has.
const noUser id.User = "usr_00000000000000000000000000"

// Nobody stands for the account of an address that has none, where what is done for
// one shall take as long.
func Nobody(e email.Address) User { return User{ID: noUser, Email: e} }
