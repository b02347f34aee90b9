package ses

// The members of SESv2 requests that are acted upon, named as on the wire.
type (
	sendEmailInput struct {
		FromEmailAddress     string
		Destination          destination
		ReplyToAddresses     []string
		Content              content
		EmailTags            []nameValue
		ConfigurationSetName string
	}
	destination struct {
		ToAddresses, CcAddresses, BccAddresses []string
	}
	content struct {
		Simple   *simpleContent
		Raw      *rawContent
		Template *templateContent
	}
	simpleContent struct {
		Subject part
		Body    struct{ Text, Html part }
		Headers []nameValue
	}
	part       struct{ Data, Charset string }
	nameValue  struct{ Name, Value string }
	rawContent struct {
		Data []byte
	}
	templateContent struct {
		TemplateName    string
		TemplateContent *struct{ Subject, Text, Html string }
		TemplateData    string
		Headers         []nameValue
	}

	sendBulkEmailInput struct {
		FromEmailAddress     string
		ReplyToAddresses     []string
		DefaultContent       struct{ Template *templateContent }
		DefaultEmailTags     []nameValue
		BulkEmailEntries     []bulkEntry
		ConfigurationSetName string
	}
	bulkEntry struct {
		Destination             destination
		ReplacementEmailContent struct {
			ReplacementTemplate struct{ ReplacementTemplateData string }
		}
		ReplacementHeaders []nameValue
		ReplacementTags    []nameValue
	}
)

func (d destination) all() []string {
	all := append([]string{}, d.ToAddresses...)
	all = append(all, d.CcAddresses...)
	return append(all, d.BccAddresses...)
}
