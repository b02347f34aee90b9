// Package id makes and reads identifiers: a prefix that names the kind and a
// ULID (https://github.com/ulid/spec), so that ids sort by their time of making.
//
// Some kinds carry a suffix which leads from the id to its item without an index: an
// invitation's names its address, a join request's, a limit request's and a key's the
// user.
package id

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
)

type (
	// Organization is "org_" + ULID.
	Organization string
	// User is "usr_" + ULID; service accounts have one too.
	User string
	// Key is "key_" + ULID + the owner's ULID; of a test key, "key_test_" + these.
	Key string
	// Session is "ses_" + ULID.
	Session string
	// Team is "team_" + ULID.
	Team string
	// Connection is "con_" + ULID.
	Connection string
	// Invitation is "inv_" + ULID + 16 characters of the address's hash.
	Invitation string
	// JoinRequest is "jrq_" + ULID + the user's ULID.
	JoinRequest string
	// LimitRequest is "lrq_" + ULID + the user's ULID.
	LimitRequest string
	// Job is "job_" + ULID.
	Job string
	// Reservation is "res_" + the user's ULID + the day, yymmdd, in which it counts + 12
	// characters of the hash of its name; of a test key, "res_test_" + these.
	Reservation string
)

var errForm = errors.New("is not an id of this kind")

// alphabet is Crockford's base 32, as in ULIDs.
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

var crockford = base32.NewEncoding(alphabet).WithPadding(base32.NoPadding)

const (
	ulidLength        = 26
	timeLength        = 10
	addressHashLength = 16
)

// New returns prefix + "_" + a ULID of that time.
func New(prefix string, now time.Time) string {
	return prefix + "_" + newULID(now)
}

// At returns prefix + "_" + the part of a ULID that tells the time, 10 characters:
// ids of that millisecond begin so.
func At(prefix string, at time.Time) string {
	var u ulid.ULID
	if err := u.SetTime(ulid.Timestamp(at)); err != nil {
		panic("id: " + err.Error()) // the year 10889 and later
	}
	return prefix + "_" + u.String()[:timeLength]
}

// Time returns when a "prefix_ULID…" id was made, to the millisecond. Something
// else has the zero time.
func Time(of string) time.Time {
	_, rest, _ := strings.Cut(of, "_")
	if len(rest) < ulidLength {
		return time.Time{}
	}
	u, err := ulid.ParseStrict(rest[:ulidLength])
	if err != nil {
		return time.Time{}
	}
	return ulid.Time(u.Time()).UTC()
}

// entropy keeps the order of ids that are made within one millisecond.
var entropy = &ulid.LockedMonotonicReader{MonotonicReader: ulid.Monotonic(rand.Reader, 0)}

func newULID(now time.Time) string {
	return ulid.MustNew(ulid.Timestamp(now), entropy).String()
}

func NewOrganization(now time.Time) Organization { return Organization(New("org", now)) }
func NewTeam(now time.Time) Team                 { return Team(New("team", now)) }
func NewUser(now time.Time) User                 { return User(New("usr", now)) }
func NewSession(now time.Time) Session           { return Session(New("ses", now)) }
func NewConnection(now time.Time) Connection     { return Connection(New("con", now)) }
func NewJob(now time.Time) Job                   { return Job(New("job", now)) }

// NewInvitation returns an id that leads to the invitation of that address.
func NewInvitation(now time.Time, address string) Invitation {
	return Invitation(New("inv", now) + AddressHash(address))
}

// AddressHash returns 16 characters (80 bits) of the SHA-256 of a normalised
// address: the part of an invitation's key that enforces one live invitation
// per address and organization.
func AddressHash(address string) string {
	sum := sha256.Sum256([]byte(address))
	return crockford.EncodeToString(sum[:10])
}

// IsAddressHash reports whether s has the form of an AddressHash.
func IsAddressHash(s string) bool {
	return len(s) == addressHashLength && strings.Trim(s, alphabet) == ""
}

// AddressHash returns the suffix that names the address.
func (i Invitation) AddressHash() string { return string(i[len("inv_")+ulidLength:]) }

// NewJoinRequest returns an id that leads to the request of that user.
func NewJoinRequest(now time.Time, user User) JoinRequest {
	return JoinRequest(New("jrq", now) + string(user[len("usr_"):]))
}

// NewLimitRequest returns an id that leads to the request of that user.
func NewLimitRequest(now time.Time, user User) LimitRequest {
	return LimitRequest(New("lrq", now) + string(user[len("usr_"):]))
}

// NewKey returns an id that leads to the key of that user.
func NewKey(now time.Time, user User) Key {
	return Key(New("key", now) + string(user[len("usr_"):]))
}

// NewTestKey is NewKey for a test key. What it is stands in the id: so a live key
// never becomes one, and a late report of usage tells which it was.
func NewTestKey(now time.Time, user User) Key { return NewKey(now, user).ForTests() }

const testKeyPrefix = "key_test_"

// Test reports whether it is a test key.
func (k Key) Test() bool { return strings.HasPrefix(string(k), testKeyPrefix) }

// ForTests is the id of the test key with the same bytes.
func (k Key) ForTests() Key { return testKeyPrefix + k[len(k)-2*ulidLength:] }

// NewReservation returns the id of a user's reservation of that name, in a day of the
// organization's time zone: the same of the same.
func NewReservation(user User, day time.Time, name string, test bool) Reservation {
	sum := sha256.Sum256([]byte(name))
	rest := string(user[len("usr_"):]) + day.Format(reservationDay) + crockford.EncodeToString(sum[:])[:reservationName]
	if test {
		return Reservation(testReservationPrefix + rest)
	}
	return Reservation("res_" + rest)
}

const (
	testReservationPrefix = "res_test_"
	reservationDay        = "060102"
	reservationName       = 12
)

// Test reports whether it was made through a test key.
func (r Reservation) Test() bool { return strings.HasPrefix(string(r), testReservationPrefix) }

// Name is what tells the reservation from others of its user and month.
func (r Reservation) Name() string { return string(r[len(r)-reservationName:]) }

// User returns whose reservation it is.
func (r Reservation) User() User {
	rest := r[:len(r)-reservationName-len(reservationDay)]
	return User("usr_" + rest[len(rest)-ulidLength:])
}

// Day returns the one in which it counts.
func (r Reservation) Day() time.Time {
	rest := string(r[:len(r)-reservationName])
	day, _ := time.Parse(reservationDay, rest[len(rest)-len(reservationDay):])
	return day
}

// User returns the user whose key it is.
func (k Key) User() User { return User("usr_" + k[len(k)-ulidLength:]) }

// Bytes returns the 16 bytes of the key's own ULID.
func (k Key) Bytes() [16]byte {
	return ulid.MustParse(string(k)[len(k)-2*ulidLength : len(k)-ulidLength])
}

// User returns the user whose request it is.
func (r JoinRequest) User() User { return User("usr_" + r[len("jrq_")+ulidLength:]) }

// User returns the user whom the id leads to.
func (r LimitRequest) User() User { return User("usr_" + r[len("lrq_")+ulidLength:]) }

func (o *Organization) UnmarshalText(b []byte) error { return read(o, b, "org_", 1, 0) }
func (u *User) UnmarshalText(b []byte) error         { return read(u, b, "usr_", 1, 0) }
func (s *Session) UnmarshalText(b []byte) error      { return read(s, b, "ses_", 1, 0) }
func (t *Team) UnmarshalText(b []byte) error         { return read(t, b, "team_", 1, 0) }
func (c *Connection) UnmarshalText(b []byte) error   { return read(c, b, "con_", 1, 0) }
func (j *Job) UnmarshalText(b []byte) error          { return read(j, b, "job_", 1, 0) }
func (i *Invitation) UnmarshalText(b []byte) error   { return read(i, b, "inv_", 1, addressHashLength) }
func (r *JoinRequest) UnmarshalText(b []byte) error  { return read(r, b, "jrq_", 2, 0) }
func (r *LimitRequest) UnmarshalText(b []byte) error { return read(r, b, "lrq_", 2, 0) }

func (k *Key) UnmarshalText(b []byte) error {
	if Key(b).Test() {
		return read(k, b, testKeyPrefix, 2, 0)
	}
	return read(k, b, "key_", 2, 0)
}

func (r *Reservation) UnmarshalText(b []byte) error {
	prefix := "res_"
	if Reservation(b).Test() {
		prefix = testReservationPrefix
	}
	var id Reservation
	if err := read(&id, b, prefix, 1, len(reservationDay)+reservationName); err != nil {
		return err
	}
	if id.Day().IsZero() {
		return errForm
	}
	*r = id
	return nil
}

// read takes a prefix, a number of ULIDs and a number of further characters.
func read[T ~string](into *T, b []byte, prefix string, ulids, further int) error {
	rest, ok := strings.CutPrefix(string(b), prefix)
	if !ok || len(rest) != ulids*ulidLength+further || strings.Trim(rest, alphabet) != "" {
		return errForm
	}
	for i := range ulids {
		if rest[i*ulidLength] > '7' { // a ULID has 128 bits: its first character holds three
			return errForm
		}
	}
	*into = T(b)
	return nil
}

// Bytes returns the 16 bytes of a plain "prefix_ULID" id.
func Bytes[T Organization | User | Session](id T) [16]byte {
	return ulid.MustParse(string(id)[len("xxx_"):])
}

// KeyOf is the inverse of Key.Bytes and Key.User, of a live key.
func KeyOf(b [16]byte, user User) Key {
	return Key("key_" + ulid.ULID(b).String() + string(user[len("usr_"):]))
}

// OrganizationOf, UserOf and SessionOf are the inverse of Bytes.
func OrganizationOf(b [16]byte) Organization { return Organization("org_" + ulid.ULID(b).String()) }
func UserOf(b [16]byte) User                 { return User("usr_" + ulid.ULID(b).String()) }
func SessionOf(b [16]byte) Session           { return Session("ses_" + ulid.ULID(b).String()) }
