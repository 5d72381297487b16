"""The endpoints: one module per first URL segment, one class per noun."""
