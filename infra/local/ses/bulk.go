package ses

import (
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
)

// maxBulkEntries: SendBulkEmail takes 50 destinations per call.
const maxBulkEntries = 50

type bulkResult struct {
	Status    string
	MessageId string `json:",omitempty"`
	Error     string `json:",omitempty"`
}

// bulkStatus names, per entry, what SendEmail says by an error type.
var bulkStatus = map[string]string{
	"AccountSuspendedException":          "ACCOUNT_SUSPENDED",
	"BadRequestException":                "INVALID_PARAMETER",
	"LimitExceededException":             "ACCOUNT_DAILY_QUOTA_EXCEEDED",
	"MailFromDomainNotVerifiedException": "MAIL_FROM_DOMAIN_NOT_VERIFIED",
	"MessageRejected":                    "MESSAGE_REJECTED",
	"SendingPausedException":             "ACCOUNT_SENDING_PAUSED",
	"TooManyRequestsException":           "ACCOUNT_THROTTLED",
}

// sendBulkEmail answers SendBulkEmail: one result per entry, in their order.
// What concerns all entries alike fails the call.
func (s *Server) sendBulkEmail(r *http.Request) (any, error) {
	in, err := decode[sendBulkEmailInput](r)
	if err != nil {
		return nil, err
	}
	template := in.DefaultContent.Template
	switch {
	case template == nil:
		return nil, badRequest("DefaultContent.Template is required.")
	case template.TemplateContent == nil:
		return nil, notFound("Template %s does not exist.", template.TemplateName)
	case in.ConfigurationSetName != "" && in.ConfigurationSetName != s.cfg.ConfigurationSet:
		return nil, notFound("Configuration set <%s> does not exist.", in.ConfigurationSetName)
	case len(in.BulkEmailEntries) == 0 || len(in.BulkEmailEntries) > maxBulkEntries:
		return nil, badRequest("BulkEmailEntries must have 1 to %d entries.", maxBulkEntries)
	}
	results := make([]bulkResult, len(in.BulkEmailEntries))
	for i, entry := range in.BulkEmailEntries {
		results[i] = s.sendEntry(in, entry)
	}
	return map[string]any{"BulkEmailEntryResults": results}, nil
}

func (s *Server) sendEntry(in sendBulkEmailInput, entry bulkEntry) bulkResult {
	m, err := composeEntry(in, entry)
	if err != nil {
		return failedResult(err)
	}
	id, err := s.accept(m)
	if err != nil {
		return failedResult(err)
	}
	return bulkResult{Status: "SUCCESS", MessageId: id}
}

func failedResult(err error) bulkResult {
	if apiErr, ok := errors.AsType[*Error](err); ok {
		return bulkResult{Status: cmp.Or(bulkStatus[apiErr.Code], "FAILED"), Error: apiErr.Message}
	}
	return bulkResult{Status: "TRANSIENT_FAILURE", Error: "Internal failure."}
}

func composeEntry(in sendBulkEmailInput, entry bulkEntry) (Mail, error) {
	template := *in.DefaultContent.Template
	data, err := mergeData(template.TemplateData, entry.ReplacementEmailContent.ReplacementTemplate.ReplacementTemplateData)
	if err != nil {
		return Mail{}, err
	}
	template.TemplateData = data
	template.Headers = replace(template.Headers, entry.ReplacementHeaders)
	return compose(sendEmailInput{
		FromEmailAddress:     in.FromEmailAddress,
		Destination:          entry.Destination,
		ReplyToAddresses:     in.ReplyToAddresses,
		Content:              content{Template: &template},
		EmailTags:            replace(in.DefaultEmailTags, entry.ReplacementTags),
		ConfigurationSetName: in.ConfigurationSetName,
	})
}

// mergeData lays the replacement over the template's data, name by name.
func mergeData(defaults, replacement string) (string, error) {
	merged := map[string]any{}
	for _, text := range []string{defaults, replacement} {
		var data map[string]any
		if text == "" {
			continue
		}
		if err := json.Unmarshal([]byte(text), &data); err != nil {
			return "", badRequest("Template data is not a JSON object: %v", err)
		}
		maps.Copy(merged, data)
	}
	out, err := json.Marshal(merged)
	return string(out), err
}

// replace puts the replacements in the place of defaults of the same name.
func replace(defaults, replacements []nameValue) []nameValue {
	out := slices.DeleteFunc(slices.Clone(defaults), func(d nameValue) bool {
		return slices.ContainsFunc(replacements, func(r nameValue) bool {
			return lowerASCII(r.Name) == lowerASCII(d.Name)
		})
	})
	return append(out, replacements...)
}
