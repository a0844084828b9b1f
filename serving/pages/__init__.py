"""The service's own pages, which load nothing from elsewhere: `/` says what serves, `/docs` tries the API."""
