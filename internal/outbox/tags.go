package outbox

import "strconv"

// Tags are what SES repeats in its events about a mail.
func (i Item) Tags() map[string]string {
	tags := map[string]string{"mail": i.ID, "kind": string(i.Kind)}
	if ref := i.Invitation; ref != nil {
		tags["organization"] = string(ref.Organization)
		tags["invitation"] = string(ref.ID)
		tags["generation"] = strconv.Itoa(ref.Generation)
	}
	return tags
}

// InvitationOf reads the invitation from the tags of an event, where each has
// one value; false if the mail belongs to none.
func InvitationOf(tags map[string][]string) (InvitationRef, bool) {
	var r InvitationRef
	if r.Organization.UnmarshalText(tag(tags, "organization")) != nil ||
		r.ID.UnmarshalText(tag(tags, "invitation")) != nil {
		return InvitationRef{}, false
	}
	generation, err := strconv.Atoi(string(tag(tags, "generation")))
	r.Generation = generation
	return r, err == nil
}

func tag(tags map[string][]string, name string) []byte {
	if values := tags[name]; len(values) > 0 {
		return []byte(values[0])
	}
	return nil
}
