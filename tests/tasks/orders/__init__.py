"""A tiny task of two classes over spans: does the buyer send an order back?"""
