package ses

import (
	"encoding/json"
	"fmt"
	"regexp"
)

var placeholder = regexp.MustCompile(`\{\{\s*([A-Za-z0-9_.-]+)\s*\}\}`)

// composeTemplate renders a template whose content is in the request. Templates
// stored by name do not exist here.
func composeTemplate(in sendEmailInput, t templateContent) (Mail, error) {
	if t.TemplateContent == nil {
		return Mail{}, notFound("Template %s does not exist.", t.TemplateName)
	}
	data := map[string]any{}
	if t.TemplateData != "" {
		if err := json.Unmarshal([]byte(t.TemplateData), &data); err != nil {
			return Mail{}, badRequest("TemplateData is not a JSON object: %v", err)
		}
	}
	simple := simpleContent{Headers: t.Headers}
	for _, field := range []struct {
		template string
		to       *part
	}{
		{t.TemplateContent.Subject, &simple.Subject},
		{t.TemplateContent.Text, &simple.Body.Text},
		{t.TemplateContent.Html, &simple.Body.Html},
	} {
		text, err := render(field.template, data)
		if err != nil {
			return Mail{}, err
		}
		*field.to = part{Data: text, Charset: "UTF-8"}
	}
	return composeSimple(in, simple)
}

// render replaces {{name}}: the one substitution that SES makes in templates
// that come with the request. It does not escape HTML; neither does SES.
func render(template string, data map[string]any) (string, error) {
	var missing error
	text := placeholder.ReplaceAllStringFunc(template, func(found string) string {
		name := placeholder.FindStringSubmatch(found)[1]
		value, ok := data[name]
		if !ok {
			missing = badRequest("Attribute '%s' is not present in the rendering data.", name)
		}
		return fmt.Sprint(value)
	})
	return text, missing
}
