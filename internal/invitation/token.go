package invitation

import (
	"crypto/subtle"
	"slices"

	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/secret"
)

// A token is "ri_", the ULID of the organization (26 characters), the hash of the
// address (16), the letter of the link, and 256 random bits (43). It leads to the
// invitation's item without an index.
const (
	tokenPrefix  = "ri_"
	tokenOrg     = len(tokenPrefix) + 26
	tokenAddress = tokenOrg + 16
	tokenLength  = tokenAddress + 1 + 43
)

// link tells the two links of an invitation apart.
type link byte

const (
	shown  link = 's'
	mailed link = 'm'
)

// token is what a link's token says. Whether there is such a link is for the
// invitation to tell.
type token struct {
	organization id.Organization
	addressHash  string
	link         link
	digest       []byte
}

func newToken(org id.Organization, addressHash string, l link) string {
	return tokenPrefix + string(org[len("org_"):]) + addressHash + string(l) + secret.Token()
}

func readToken(text field.Token) (token, error) {
	s := string(text)
	if len(s) != tokenLength || s[:len(tokenPrefix)] != tokenPrefix {
		return token{}, errNotFound
	}
	t := token{addressHash: s[tokenOrg:tokenAddress], link: link(s[tokenAddress]), digest: secret.Digest(s)}
	if t.organization.UnmarshalText([]byte("org_"+s[len(tokenPrefix):tokenOrg])) != nil ||
		!id.IsAddressHash(t.addressHash) || t.link != shown && t.link != mailed {
		return token{}, errNotFound
	}
	return t, nil
}

// leadsTo reports whether the token is one of the invitation's, settled or not.
func (t token) leadsTo(i *Invitation) bool {
	if i == nil {
		return false
	}
	digests := i.Mailed
	if t.link == shown {
		digests = [][]byte{i.Shown}
	}
	return slices.ContainsFunc(digests, func(d []byte) bool { return subtle.ConstantTimeCompare(d, t.digest) == 1 })
}
