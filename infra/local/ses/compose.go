package ses

import (
	"cmp"
	"encoding/base64"
	"net/http"
	"regexp"
	"strings"
)

// Limits of a message: service quotas of SES and constraints of the SESv2 API.
const (
	maxRecipients     = 50       // quota: recipients per message
	maxMessageSize    = 40 << 20 // quota: bytes per message, after base64 encoding
	maxHeaders        = 15       // Message.Headers
	maxHeaderName     = 126      // MessageHeader.Name
	maxHeaderValue    = 995      // MessageHeader.Value
	maxHeaderCombined = 996      // MessageHeader
	maxTags           = 50       // EmailTags
	maxTagLength      = 256      // MessageTag
)

var (
	errTooLong = badRequest("Message length is more than %d bytes long.", maxMessageSize)

	// MessageTag. SES refuses '.' and '@' as well.
	tagText = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
	// MessageHeader: ASCII 33–126 without the colon.
	headerName = regexp.MustCompile(`^[!-9;-~]+$`)
)

// composedHeaders are written by SES itself. SES takes none of them twice in a
// message, so they cannot come as custom headers.
var composedHeaders = map[string]bool{
	"bcc": true, "cc": true, "content-transfer-encoding": true, "content-type": true,
	"date": true, "from": true, "message-id": true, "mime-version": true,
	"reply-to": true, "return-path": true, "subject": true, "to": true,
}

// sendEmail answers SendEmail.
func (s *Server) sendEmail(r *http.Request) (any, error) {
	in, err := decode[sendEmailInput](r)
	if err != nil {
		return nil, err
	}
	m, err := compose(in)
	if err != nil {
		return nil, err
	}
	id, err := s.accept(m)
	if err != nil {
		return nil, err
	}
	return map[string]string{"MessageId": id}, nil
}

// compose makes the mail out of a request, or says what SES has against it.
func compose(in sendEmailInput) (Mail, error) {
	var m Mail
	var err error
	switch c := in.Content; {
	case c.Simple != nil && c.Raw == nil && c.Template == nil:
		m, err = composeSimple(in, *c.Simple)
	case c.Simple == nil && c.Raw != nil && c.Template == nil:
		m, err = composeRaw(&in, c.Raw.Data)
	case c.Simple == nil && c.Raw == nil && c.Template != nil:
		m, err = composeTemplate(in, *c.Template)
	default:
		return Mail{}, badRequest("Content must have exactly one of Simple, Raw and Template.")
	}
	if err != nil {
		return Mail{}, err
	}
	return address(m, in)
}

// address sets sender, recipients and tags, which are the same for every form
// of content.
func address(m Mail, in sendEmailInput) (_ Mail, err error) {
	if in.FromEmailAddress == "" {
		return Mail{}, badRequest("Missing sender: FromEmailAddress is required.")
	}
	if m.sender, err = parseAddress(in.FromEmailAddress); err != nil {
		return Mail{}, err
	}
	if m.Recipients, err = recipients(in.Destination); err != nil {
		return Mail{}, err
	}
	for _, a := range in.ReplyToAddresses {
		if _, err := parseAddress(a); err != nil {
			return Mail{}, err
		}
	}
	if m.Tags, err = tags(in.EmailTags); err != nil {
		return Mail{}, err
	}
	m.From = in.FromEmailAddress
	m.To = strings.Join(in.Destination.ToAddresses, ", ")
	m.Cc = strings.Join(in.Destination.CcAddresses, ", ")
	m.ConfigurationSet = in.ConfigurationSetName
	return m, nil
}

func recipients(d destination) ([]Recipient, error) {
	all := d.all()
	switch {
	case len(all) == 0:
		return nil, badRequest("Missing destination: at least one recipient is required.")
	case len(all) > maxRecipients:
		return nil, badRequest("Recipient count exceeds %d.", maxRecipients)
	}
	list := make([]Recipient, len(all))
	for i, a := range all {
		bare, err := parseAddress(a)
		if err != nil {
			return nil, err
		}
		list[i].Address = bare
	}
	return list, nil
}

func tags(list []nameValue) (map[string]string, error) {
	if len(list) > maxTags {
		return nil, badRequest("Tag count exceeds %d.", maxTags)
	}
	tags := make(map[string]string, len(list))
	for _, t := range list {
		if err := cmp.Or(validateTag("name", t.Name), validateTag("value", t.Value)); err != nil {
			return nil, err
		}
		if _, twice := tags[t.Name]; twice {
			return nil, badRequest("Duplicate tag name <%s>.", t.Name)
		}
		tags[t.Name] = t.Value
	}
	return tags, nil
}

func validateTag(what, text string) error {
	if len(text) > maxTagLength {
		return badRequest("Tag %s cannot exceed %d characters.", what, maxTagLength)
	}
	if !tagText.MatchString(text) {
		return badRequest("Invalid tag %s <%s>: only alphanumeric ASCII characters, '_', and '-' are allowed.", what, text)
	}
	return nil
}

func composeSimple(in sendEmailInput, c simpleContent) (Mail, error) {
	m := Mail{
		Subject: c.Subject.text(),
		Text:    c.Body.Text.text(),
		HTML:    c.Body.Html.text(),
	}
	switch {
	case strings.TrimSpace(m.Subject) == "":
		return Mail{}, badRequest("Missing subject.")
	case strings.ContainsAny(m.Subject, "\r\n"):
		return Mail{}, badRequest("Subject contains a line break.")
	case m.Text == "" && m.HTML == "":
		return Mail{}, badRequest("Missing body: Text or Html is required.")
	case base64.StdEncoding.EncodedLen(len(m.Subject)+len(m.Text)+len(m.HTML)) > maxMessageSize:
		return Mail{}, errTooLong
	}
	if err := validateHeaders(c.Headers); err != nil {
		return Mail{}, err
	}
	m.Headers = headers(in, m, c.Headers)
	return m, nil
}

// text is the content as a reader sees it. Without a charset SES sends 7-bit
// ASCII and everything else becomes a question mark.
func (p part) text() string {
	if p.Charset != "" {
		return p.Data
	}
	return strings.Map(func(r rune) rune {
		if r > '~' {
			return '?'
		}
		return r
	}, p.Data)
}

func validateHeaders(list []nameValue) error {
	if len(list) > maxHeaders {
		return badRequest("Header count exceeds %d.", maxHeaders)
	}
	seen := map[string]bool{}
	for _, h := range list {
		name := lowerASCII(h.Name)
		switch {
		case !headerName.MatchString(h.Name) || len(h.Name) > maxHeaderName:
			return badRequest("Invalid header name <%s>.", h.Name)
		case composedHeaders[name]:
			return badRequest("Header <%s> is set by SES and cannot be a custom header.", h.Name)
		case seen[name]:
			return badRequest("Header <%s> can appear only once.", h.Name)
		case h.Value == "" || len(h.Value) > maxHeaderValue || len(h.Name)+len(h.Value) > maxHeaderCombined:
			return badRequest("Value of header <%s> must have 1 to %d characters.", h.Name, maxHeaderValue)
		case strings.ContainsFunc(h.Value, isNotPrintableASCII):
			return badRequest("Value of header <%s> contains characters other than printable ASCII.", h.Name)
		}
		seen[name] = true
	}
	return nil
}

// headers are those of the message that SES would write.
func headers(in sendEmailInput, m Mail, custom []nameValue) map[string]string {
	h := map[string]string{
		"From":         in.FromEmailAddress,
		"Subject":      m.Subject,
		"MIME-Version": "1.0",
		"Content-Type": contentType(m),
	}
	for name, list := range map[string][]string{
		"To": in.Destination.ToAddresses, "Cc": in.Destination.CcAddresses, "Reply-To": in.ReplyToAddresses,
	} {
		if len(list) > 0 {
			h[name] = strings.Join(list, ", ")
		}
	}
	for _, c := range custom {
		h[c.Name] = c.Value
	}
	return h
}

func contentType(m Mail) string {
	switch {
	case m.HTML == "":
		return "text/plain; charset=UTF-8"
	case m.Text == "":
		return "text/html; charset=UTF-8"
	}
	return "multipart/alternative"
}
