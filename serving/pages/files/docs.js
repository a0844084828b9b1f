"use strict";

SwaggerUIBundle({
  url: "docs.json",
  dom_id: "#api",
  deepLinking: true,
  tryItOutEnabled: true,
  // The validator that Swagger UI would ask is someone else's.
  validatorUrl: null,
});
