"""The gate that lets a model through if it is better than those pushed before."""
