package ses

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"strings"
)

const (
	maxRawLine   = 1000 // RFC 5321: bytes per line, line break included
	maxMIMEDepth = 16
)

// composeRaw reads a whole MIME message. Sender and destination come from its
// headers where the request leaves them out.
func composeRaw(in *sendEmailInput, data []byte) (Mail, error) {
	if base64.StdEncoding.EncodedLen(len(data)) > maxMessageSize {
		return Mail{}, errTooLong
	}
	for line := range bytes.Lines(data) {
		if len(line) > maxRawLine {
			return Mail{}, badRequest("A line of the message is longer than %d characters.", maxRawLine)
		}
	}
	msg, err := mail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		return Mail{}, badRequest("The message is not a mail: %v", err)
	}
	if err := addressRaw(in, msg.Header); err != nil {
		return Mail{}, err
	}
	m := Mail{Subject: decodeHeader(msg.Header.Get("Subject")), Headers: map[string]string{}}
	for name, values := range msg.Header {
		m.Headers[name] = decodeHeader(strings.Join(values, ", "))
	}
	delete(m.Headers, "Bcc")
	// Replaced by those that SES sets, which are written in another case.
	delete(m.Headers, "Message-Id")
	if err := readParts(&m, textproto.MIMEHeader(msg.Header), msg.Body, maxMIMEDepth); err != nil {
		return Mail{}, badRequest("The message has a malformed part: %v", err)
	}
	return m, nil
}

func addressRaw(in *sendEmailInput, h mail.Header) error {
	if in.FromEmailAddress == "" {
		in.FromEmailAddress = h.Get("From")
	}
	if len(in.Destination.all()) > 0 {
		return nil
	}
	for name, list := range map[string]*[]string{
		"To": &in.Destination.ToAddresses, "Cc": &in.Destination.CcAddresses, "Bcc": &in.Destination.BccAddresses,
	} {
		if h.Get(name) == "" {
			continue
		}
		addresses, err := h.AddressList(name)
		if err != nil {
			return badRequest("Illegal address in header %s.", name)
		}
		for _, a := range addresses {
			*list = append(*list, a.String())
		}
	}
	return nil
}

// readParts takes the first text and the first HTML of a message.
func readParts(m *Mail, h textproto.MIMEHeader, body io.Reader, depth int) error {
	mediaType, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		mediaType = "text/plain" // RFC 2045, section 5.2
	}
	if strings.HasPrefix(mediaType, "multipart/") && depth > 0 {
		return readMultipart(m, multipart.NewReader(body, params["boundary"]), depth)
	}
	if strings.HasPrefix(lowerASCII(h.Get("Content-Disposition")), "attachment") {
		return nil
	}
	switch {
	case mediaType == "text/plain" && m.Text == "":
		m.Text, err = readText(h, body)
	case mediaType == "text/html" && m.HTML == "":
		m.HTML, err = readText(h, body)
	default:
		return nil
	}
	return err
}

func readMultipart(m *Mail, parts *multipart.Reader, depth int) error {
	for {
		part, err := parts.NextRawPart()
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if err := readParts(m, part.Header, part, depth-1); err != nil {
			return err
		}
	}
}

func readText(h textproto.MIMEHeader, body io.Reader) (string, error) {
	switch lowerASCII(h.Get("Content-Transfer-Encoding")) {
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	}
	text, err := io.ReadAll(body)
	return strings.ToValidUTF8(string(text), "\uFFFD"), err
}

func decodeHeader(s string) string {
	decoded, err := new(mime.WordDecoder).DecodeHeader(s)
	if err != nil {
		return s
	}
	return decoded
}
