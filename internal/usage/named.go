package usage

import (
	"roster/internal/access"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/permission"
)

// Named says about whom a call is; nothing named, it is the caller. At most one
// of key, key_id and user_id, but key_id may stand beside the user_id of its
// owner.
type Named struct {
	// Key is the text of the end caller's API key.
	Key    field.Token `json:"key,omitzero"`
	KeyID  id.Key      `json:"key_id,omitzero"`
	UserID id.User     `json:"user_id,omitzero"`
}

// errOthers refuses to speak about someone else without usage:write: no key can
// forge another's spend.
var errOthers = fault.New(fault.Forbidden, "cannot_act_for_others",
	"Naming another member or key needs the permission usage:write.").With("permission", permission.UsageWrite)

// subject is who was named.
type subject struct {
	user id.User
	// key is empty where a member was named, or calls with an access token.
	key id.Key
	// text is the key's, where it was sent.
	text *access.KeyText
	// pointer is where the key was named.
	pointer string
}

// isTest reports whether what a caller asks or says of them is of a sandbox: through a
// test key, or about one.
func (s subject) isTest(by access.Caller) bool { return s.key.Test() || by.Key().Test() }

// limited is the key whose limits bind; where a test key asks, that one, which no limit
// binds.
func (s subject) limited(by access.Caller) id.Key {
	if by.Key().Test() {
		return by.Key()
	}
	return s.key
}

func (n Named) faults() []fault.Field {
	if n.Key != "" && (n.KeyID != "" || n.UserID != "") {
		return []fault.Field{{Pointer: "/key", Reason: "cannot stand beside key_id or user_id"}}
	}
	return nil
}

// subject refuses with errOthers, or access.ErrKey.
func (n Named) subject(by access.Caller) (subject, error) {
	s := subject{user: by.User(), key: by.Key(), pointer: "/key_id"}
	switch {
	case n.Key != "":
		text, ok := access.ReadKeyText(string(n.Key))
		if !ok {
			return s, unknownKey("/key")
		}
		s = subject{user: text.User, key: text.Key, text: &text, pointer: "/key"}
	case n.KeyID != "":
		s.user, s.key = n.KeyID.User(), n.KeyID
	case n.UserID != "" && n.UserID != by.User(): // whoever names themselves stays with their key
		s.user, s.key = n.UserID, ""
	}
	_, own := by.Own.Key(s.key)
	forOthers := by.Can(permission.UsageWrite)
	switch {
	case s.user != by.User() && !forOthers:
		return s, errOthers
	case n.UserID != "" && n.UserID != s.user,
		s.text != nil && s.text.Organization != by.Organization(),
		s.key != "" && !own && !forOthers: // a key's text proves nothing of the key that it names
		return s, unknownKey(s.pointer)
	}
	return s, nil
}

// unknownKey is access.ErrKey about a key that was named, not the caller's.
func unknownKey(pointer string) error {
	f := *access.ErrKey
	f.Fields = []fault.Field{{Pointer: pointer, Reason: "is unknown, expired or revoked"}}
	return &f
}
