package api

import "strings"

// IfMatch is an If-Match header (RFC 9110, section 13.1.1); members of that type
// are tagged header:"If-Match" json:"-".
type IfMatch string

// Admits reports whether the current entity tag is among those named, or none is.
func (m IfMatch) Admits(etag string) bool {
	if m == "" || m == "*" {
		return true
	}
	for tag := range strings.SplitSeq(string(m), ",") {
		if strings.TrimSpace(tag) == etag {
			return true
		}
	}
	return false
}
