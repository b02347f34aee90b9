package spec

// The parts of an OpenAPI 3.1 document that Roster's has
// (https://spec.openapis.org/oas/v3.1.1.html).
type (
	Document struct {
		OpenAPI    string                      `json:"openapi"`
		Info       Info                        `json:"info"`
		Servers    []Server                    `json:"servers"`
		Security   []SecurityRequirement       `json:"security"`
		Tags       []Tag                       `json:"tags"`
		Paths      Ordered[Ordered[Operation]] `json:"paths"`
		Components Components                  `json:"components"`
	}

	Info struct {
		Title       string `json:"title"`
		Version     string `json:"version"`
		Description string `json:"description"`
	}

	Server struct {
		URL         string `json:"url"`
		Description string `json:"description"`
	}

	Tag struct {
		Name        string `json:"name"`
		Description string `json:"description"`
	}

	SecurityRequirement map[string][]string

	Operation struct {
		OperationID string                 `json:"operationId"`
		Tags        []string               `json:"tags"`
		Summary     string                 `json:"summary"`
		Description string                 `json:"description,omitzero"`
		Permissions []string               `json:"x-permissions,omitzero"` // the caller needs one of them
		Security    *[]SecurityRequirement `json:"security,omitzero"`
		Parameters  []Parameter            `json:"parameters,omitzero"`
		RequestBody *RequestBody           `json:"requestBody,omitzero"`
		Responses   Ordered[Response]      `json:"responses"`
	}

	Parameter struct {
		Ref         string  `json:"$ref,omitzero"`
		Name        string  `json:"name,omitzero"`
		In          string  `json:"in,omitzero"`
		Required    bool    `json:"required,omitzero"`
		Description string  `json:"description,omitzero"`
		Schema      *Schema `json:"schema,omitzero"`
	}

	RequestBody struct {
		Required bool               `json:"required,omitzero"`
		Content  Ordered[MediaType] `json:"content"`
	}

	Response struct {
		Ref         string             `json:"$ref,omitzero"`
		Description string             `json:"description,omitzero"`
		Headers     Ordered[Header]    `json:"headers,omitzero"`
		Content     Ordered[MediaType] `json:"content,omitzero"`
		Status      int                `json:"x-status,omitzero"` // of a refusal
		Codes       []Code             `json:"x-codes,omitzero"`
	}

	// Code is a value of a problem's member "code".
	Code struct {
		Code   string `json:"code"`
		Detail string `json:"detail"`
	}

	Header struct {
		Description string  `json:"description"`
		Schema      *Schema `json:"schema"`
	}

	MediaType struct {
		Schema *Schema `json:"schema"`
	}

	Components struct {
		SecuritySchemes Ordered[SecurityScheme] `json:"securitySchemes"`
		Parameters      Ordered[Parameter]      `json:"parameters"`
		Responses       Ordered[Response]       `json:"responses"`
		Schemas         Ordered[*Schema]        `json:"schemas"`
	}

	SecurityScheme struct {
		Type        string `json:"type"`
		Scheme      string `json:"scheme"`
		Description string `json:"description"`
	}

	// Schema is a JSON Schema of draft 2020-12.
	Schema struct {
		// Never is the schema false, which nothing fits.
		Never                bool             `json:"-"`
		Ref                  string           `json:"$ref,omitzero"`
		Type                 Types            `json:"type,omitzero"`
		Description          string           `json:"description,omitzero"`
		Const                any              `json:"const,omitzero"`
		Enum                 []string         `json:"enum,omitzero"`
		Format               string           `json:"format,omitzero"`
		Pattern              string           `json:"pattern,omitzero"`
		MinLength            int              `json:"minLength,omitzero"`
		MaxLength            int              `json:"maxLength,omitzero"`
		Minimum              *int             `json:"minimum,omitzero"`
		Maximum              *int             `json:"maximum,omitzero"`
		Default              any              `json:"default,omitzero"`
		Items                *Schema          `json:"items,omitzero"`
		MaxItems             int              `json:"maxItems,omitzero"`
		Properties           Ordered[*Schema] `json:"properties,omitzero"`
		Required             []string         `json:"required,omitzero"`
		AdditionalProperties *Schema          `json:"additionalProperties,omitzero"`
		AnyOf                []*Schema        `json:"anyOf,omitzero"`
		Examples             []any            `json:"examples,omitzero"`
	}
)
