"""The starter model: a small dual encoder joined from an ImageNet classifier and a sentence encoder, without paired
photos.
"""
