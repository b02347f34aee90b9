// Package session keeps people logged in: a session item, short-lived access
// tokens signed with Ed25519 (RFC 8037), and refresh tokens that rotate.
//
// A refresh token is used once. Its successor follows from the session's salt
// and counter, so that a client which lost the answer gets the same successor
// again for a while; after that, an old token is taken for a stolen one and ends
// the session.
package session

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"roster/internal/api"
	"roster/internal/env"
	"roster/internal/fault"
	"roster/internal/id"
	"roster/internal/policy"
	"roster/internal/secret"
	"roster/internal/table"
)

const (
	// AccessTTL is how long an access token is valid.
	AccessTTL = 10 * time.Minute
	// Lifetime is how long a session lasts, however often it is refreshed.
	Lifetime = 30 * 24 * time.Hour
	// RepeatWindow is how long a used refresh token yields its successor again.
	RepeatWindow = 10 * time.Second
)

var (
	ErrToken   = fault.New(fault.Unauthenticated, "invalid_token", "The access token is not valid, or has expired.")
	ErrRefresh = fault.New(fault.Unauthenticated, "invalid_refresh_token", "The refresh token is not valid, or has expired.")
	// ErrNotFound: the person has no such session that goes on, or not where it is asked for.
	ErrNotFound = fault.New(fault.NotFound, "session_not_found", "There is no such session, or it has ended.")
	ErrReused   = fault.New(fault.Unauthenticated, "refresh_token_reused",
		"The refresh token was used before, so its session was ended. Please log in again.")
)

// Session is one log-in of a person, in at most one organization at a time.
type Session struct {
	ID   id.Session `dynamodbav:"id"`
	User id.User    `dynamodbav:"user"`
	// AccountEpoch is the account's SessionEpoch at log-in.
	AccountEpoch int `dynamodbav:"account_epoch,omitempty"`
	// Organization is that of the newest tokens; Epoch is the membership's at
	// that time, and ends them when it moves on.
	Organization id.Organization `dynamodbav:"organization,omitempty"`
	Epoch        int             `dynamodbav:"epoch,omitempty"`
	// EndedIn are organizations that ended the session in themselves: it does not enter
	// them any more, and goes on elsewhere.
	EndedIn   []id.Organization `dynamodbav:"ended_in,omitempty"`
	Salt      []byte            `dynamodbav:"salt"`
	Counter   uint32            `dynamodbav:"counter"`
	RotatedAt time.Time         `dynamodbav:"rotated_at"`
	CreatedAt time.Time         `dynamodbav:"created_at"`
	ExpiresAt time.Time         `dynamodbav:"expires_at"`
	// IssuedAt is when the newest tokens were issued, and Rested the longest time
	// between two issues, in seconds.
	IssuedAt time.Time `dynamodbav:"issued_at"`
	Rested   int64     `dynamodbav:"rested,omitempty"`
	IP       string    `dynamodbav:"ip,omitempty"`
	Agent    string    `dynamodbav:"agent,omitempty"`
	TTL      int64     `dynamodbav:"ttl"`
}

// New returns a session, in no organization, of an account of that SessionEpoch.
func New(now time.Time, user id.User, accountEpoch int, from api.Client) Session {
	s := Session{
		ID: id.NewSession(now), User: user, AccountEpoch: accountEpoch, Salt: make([]byte, 16),
		RotatedAt: now, IssuedAt: now, CreatedAt: now, ExpiresAt: now.Add(Lifetime), TTL: now.Add(Lifetime).Unix(),
		IP: from.IP, Agent: from.Agent,
	}
	rand.Read(s.Salt)
	return s
}

// In returns the session in an organization, by a membership of that epoch.
func (s Session) In(org id.Organization, epoch int) Session {
	s.Organization, s.Epoch = org, epoch
	return s
}

// IsEndedIn reports whether an organization ended the session in itself.
func (s Session) IsEndedIn(org id.Organization) bool { return slices.Contains(s.EndedIn, org) }

// Login is what an organization's policy judges of the session, whose account has a
// password of that length.
func (s Session) Login(passwordLength int) policy.Login {
	return policy.Login{At: s.CreatedAt, Rested: time.Duration(s.Rested) * time.Second, PasswordLength: passwordLength}
}

// issuing returns the session as tokens of it are issued.
func (s Session) issuing(now time.Time) Session {
	if rested := now.Sub(s.IssuedAt); rested > time.Duration(s.Rested)*time.Second {
		s.Rested = int64((rested + time.Second - 1) / time.Second) // in full: one just too long stays so
	}
	s.IssuedAt = now
	return s
}

// Create is the Write of a new session.
func (s Session) Create() table.Write {
	return table.Write{Key: table.Session(s.User, s.ID), Put: s, If: table.Absent}
}

// Live reports whether the session goes on, in an account of that SessionEpoch. A
// nil session has ended.
func (s *Session) Live(accountEpoch int, now time.Time) bool {
	return s != nil && s.AccountEpoch == accountEpoch && now.Before(s.ExpiresAt)
}

// Tokens are what a client gets for a session.
type Tokens struct {
	Access, Refresh string
}

// Tokens signs the tokens of the session as it stands.
func (s Session) Tokens(e *env.Env, keys *secret.Keys) (Tokens, error) {
	now := e.Now()
	access, err := jwt.Signed(signer(keys)).Claims(claims{
		Claims: jwt.Claims{
			Issuer: e.PublicURL, Audience: jwt.Audience{audience}, Subject: string(s.User),
			IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(AccessTTL)),
		},
		Session: s.ID, Organization: s.Organization, Epoch: s.Epoch,
	}).Serialize()
	return Tokens{Access: access, Refresh: s.refreshToken(keys)}, err
}

const audience = "roster"

// claims of an access token, beside those of RFC 7519.
type claims struct {
	jwt.Claims
	Session      id.Session      `json:"sid"`
	Organization id.Organization `json:"org,omitempty"`
	Epoch        int             `json:"epoch,omitempty"`
}

func signer(keys *secret.Keys) jose.Signer {
	key := jose.JSONWebKey{Key: keys.Signing(), KeyID: keyID(keys.Signing().Public().(ed25519.PublicKey))}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: key},
		(&jose.SignerOptions{}).WithType("at+jwt")) // RFC 9068, section 2.1
	if err != nil {
		panic(err) // only for a key that does not fit its algorithm
	}
	return s
}

// keyID is the thumbprint of RFC 7638.
func keyID(public ed25519.PublicKey) string {
	sum, err := (&jose.JSONWebKey{Key: public}).Thumbprint(crypto.SHA256)
	if err != nil {
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(sum)
}

// JWKS is the set of public keys whose tokens are valid.
func JWKS(keys *secret.Keys) jose.JSONWebKeySet {
	var set jose.JSONWebKeySet
	for _, public := range keys.Verifying() {
		set.Keys = append(set.Keys, jose.JSONWebKey{
			Key: public, KeyID: keyID(public), Algorithm: string(jose.EdDSA), Use: "sig",
		})
	}
	return set
}

// Access is what an access token says. That it still holds is for the reader of
// the session and the membership to see.
type Access struct {
	User         id.User
	Session      id.Session
	Organization id.Organization
	Epoch        int
}

// Verify reads an access token.
func Verify(e *env.Env, keys *secret.Keys, token string) (Access, error) {
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil || len(parsed.Headers) != 1 {
		return Access{}, ErrToken
	}
	for _, public := range keys.Verifying() {
		if keyID(public) != parsed.Headers[0].KeyID {
			continue
		}
		var c claims
		if parsed.Claims(public, &c) != nil {
			return Access{}, ErrToken
		}
		c.IssuedAt = nil // the clock of the machine that issued it may be ahead
		if c.ValidateWithLeeway(jwt.Expected{
			Issuer: e.PublicURL, AnyAudience: jwt.Audience{audience}, Time: e.Now(),
		}, 0) != nil {
			return Access{}, ErrToken
		}
		return Access{User: id.User(c.Subject), Session: c.Session, Organization: c.Organization, Epoch: c.Epoch}, nil
	}
	return Access{}, ErrToken
}

// A refresh token is "rr_" and base64url of: user (16 bytes), session (16),
// counter (4), HMAC-SHA-256 of these and the salt (32).
const (
	refreshPrefix = "rr_"
	refreshNamed  = 16 + 16 + 4
)

func (s Session) refreshToken(keys *secret.Keys) string {
	named := s.named()
	return refreshPrefix + base64.RawURLEncoding.EncodeToString(append(named, keys.MAC(append(named, s.Salt...))...))
}

func (s Session) named() []byte {
	user, session := id.Bytes(s.User), id.Bytes(s.ID)
	b := append(user[:], session[:]...)
	return binary.BigEndian.AppendUint32(b, s.Counter)[:refreshNamed:refreshNamed]
}

// Refreshing is a presented refresh token.
type Refreshing struct {
	User    id.User
	Session id.Session
	counter uint32
	mac     []byte
}

// ReadRefresh reads what a refresh token names; Check tells whether it is one.
func ReadRefresh(token string) (Refreshing, error) {
	encoded, ok := strings.CutPrefix(token, refreshPrefix)
	b, err := base64.RawURLEncoding.DecodeString(encoded)
	if !ok || err != nil || len(b) != refreshNamed+32 {
		return Refreshing{}, ErrRefresh
	}
	return Refreshing{
		User: id.UserOf([16]byte(b[:16])), Session: id.SessionOf([16]byte(b[16:32])),
		counter: binary.BigEndian.Uint32(b[32:36]), mac: b[refreshNamed:],
	}, nil
}

// Check authenticates a refresh token against its session (nil if there is none),
// in an account of that SessionEpoch.
func (r Refreshing) Check(s *Session, accountEpoch int, keys *secret.Keys, now time.Time) error {
	if !s.Live(accountEpoch, now) {
		return ErrRefresh
	}
	presented := Session{User: r.User, ID: r.Session, Counter: r.counter}
	if !keys.CheckMAC(append(presented.named(), s.Salt...), r.mac) || r.counter > s.Counter {
		return ErrRefresh
	}
	age := s.Counter - r.counter
	if age == 0 || age == 1 && now.Sub(s.RotatedAt) <= RepeatWindow {
		return nil
	}
	return ErrReused
}

// Rotate returns the session with its next counter, and the Write that moves it
// there. A token that was used just before leaves the session as it is: its
// successor is given again.
func (r Refreshing) Rotate(s Session, now time.Time) (Session, []table.Write) {
	if r.counter < s.Counter {
		return s, nil
	}
	next := s.issuing(now)
	next.Counter, next.RotatedAt = s.Counter+1, now
	return next, []table.Write{{
		Key:    table.Session(s.User, s.ID),
		Update: "SET #counter = :next, #rotated_at = :now, #issued_at = :now, #rested = :rested",
		If:     "#counter = :counter",
		Values: table.V{"next": next.Counter, "counter": s.Counter, "now": now, "rested": next.Rested},
		Else:   table.ErrChanged,
	}}
}

// Scope returns the session moved to another organization, and the Write. It takes
// an access token, so the session did not rest for long.
func (s Session) Scope(org id.Organization, epoch int, now time.Time) (Session, table.Write) {
	next := s.In(org, epoch)
	next.IssuedAt = now
	return next, table.Write{
		Key:    table.Session(s.User, s.ID),
		Update: "SET #organization = :org, #epoch = :epoch, #issued_at = :now",
		If:     table.Present,
		Values: table.V{"org": org, "epoch": epoch, "now": now},
		Else:   ErrToken,
	}
}

// Stay is the Write by which the session goes on in its account, which moves to
// another SessionEpoch in the same transaction.
func (s Session) Stay(accountEpoch int) table.Write {
	return table.Write{
		Key:    table.Session(s.User, s.ID),
		Update: "SET #account_epoch = :epoch",
		If:     table.Present,
		Values: table.V{"epoch": accountEpoch},
		Else:   ErrToken,
	}
}

// End is the Write that ends a session; ending it twice is fine.
func End(user id.User, session id.Session) table.Write {
	return table.Write{Key: table.Session(user, session), Delete: true}
}

// EndIn is the Write by which the organization whose tokens the session has ends it in
// itself. It fails with table.ErrChanged if the session ended or moved since, or was
// ended there.
func (s Session) EndIn() table.Write {
	return table.Write{
		Key:    table.Session(s.User, s.ID),
		Update: "SET #ended_in = list_append(if_not_exists(#ended_in, :none), :orgs)",
		If:     "#organization = :org AND #epoch = :epoch AND NOT contains(#ended_in, :org)",
		Values: table.V{"none": []string{}, "orgs": []id.Organization{s.Organization}, "org": s.Organization, "epoch": s.Epoch},
		Else:   table.ErrChanged,
	}
}
